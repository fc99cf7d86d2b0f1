"""Annotations: what stands on and around the plots: title, law, the chosen view, lines, frames and words."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Transform, blended_transform_factory

from headscope.interp.figures.palette.properties import Layout, Properties
from headscope.interp.figures.static.paint import DASHES, INK, PIXEL, paint
from headscope.interp.figures.static.panel import Panel
from headscope.interp.figures.static.words import shown_words

LEFT, TOP, TITLE_LINE, WORDS_LINE, MENU = 16, 14, 22, 17, 30


def head_line(page: Figure, layout: Layout, tall: float, top: float) -> None:
    """The title, the words below it, and which of several views is shown."""
    title = layout.get("title", {})
    wide = page.get_figwidth() * page.dpi
    down = TOP
    for part, size, step in ((title, 17, TITLE_LINE), (title.get("subtitle", {}), 12, WORDS_LINE)):
        for line in filter(None, shown_words(part.get("text", "")).split("\n")):
            page.text(LEFT / wide, 1 - down / tall, line, va="top", fontsize=size * PIXEL, color=INK)
            down += step
    for menu in layout.get("updatemenus", ()):
        chosen = shown_words(menu["buttons"][menu.get("active", 0)]["label"])
        words = f"{chosen} (one of {len(menu['buttons'])} views)"
        page.text(LEFT / wide, 1 - (top - MENU) / tall, words, va="top", fontsize=13 * PIXEL, color=INK)


def draw_shape(panels: Sequence[Panel], shape: Properties) -> None:
    """A line or a frame."""
    item = panel_of(panels, shape)
    line = shape.get("line", {})
    look = {"linewidth": PIXEL * line.get("width", 2), "linestyle": DASHES[line.get("dash", "solid")]}
    x, y = (item.x.at([shape["x0"], shape["x1"]]), item.y.at([shape["y0"], shape["y1"]]))
    if shape["type"] == "line":
        item.axes.plot(
            x,
            y,
            color=paint(line["color"]),
            transform=reference_transform(item, shape),
            scalex=False,
            scaley=False,
            **look,
        )
        return
    frame = Rectangle((x[0], y[0]), x[1] - x[0], y[1] - y[0], fill=False, edgecolor=paint(line["color"]), **look)
    item.axes.add_patch(frame)


def annotate(panels: Sequence[Panel], words: Properties) -> None:
    """Words at a place, anchored as plotly does where nothing is said: by the third of the plot that they are in."""
    item = panel_of(panels, words)
    x, y = words["x"], words["y"]
    across = words.get("xanchor") or ("left" if x < 1 / 3 else "center" if x < 2 / 3 else "right")
    up = words.get("yanchor") or ("bottom" if y < 1 / 3 else "middle" if y < 2 / 3 else "top")
    look = {"ha": across, "va": {"middle": "center"}.get(up, up), "fontsize": 12 * PIXEL, "color": INK}
    item.axes.text(x, y, shown_words(words["text"]), transform=reference_transform(item, words), **look)


def panel_of(panels: Sequence[Panel], thing: Properties) -> Panel:
    """The panel that a shape or an annotation refers to."""
    name = str(thing.get("xref", "x")).removesuffix(" domain")
    return next((panel for panel in panels if panel.names[0] == name), panels[0])


def reference_transform(panel: Panel, thing: Properties) -> Transform:
    """Values of the axes where a reference is an axis; shares of the plot where it is paper or a domain."""
    by_axis = [
        panel.axes.transData
        if str(thing.get(f"{axis}ref", axis)).isalnum() and thing.get(f"{axis}ref") != "paper"
        else panel.axes.transAxes
        for axis in "xy"
    ]
    return blended_transform_factory(*by_axis)

"""Points: scatters in the plane and in space: lines, marks, words, areas and bars of errors."""

import numpy as np
from jaxtyping import Float
from matplotlib.colors import Colormap, Normalize

from headscope.interp.figures.palette.properties import Trace
from headscope.interp.figures.static.paint import DASHES, INK, PIXEL, Keywords, Rgba, colour_map, marker_style, paint
from headscope.interp.figures.static.panel import WAY, Panel, axis_values
from headscope.interp.figures.static.words import shown_words

MOST_POINTS = 400  # beyond them the points are pixels, so that the file stays small
SIDES = {"left": ("right", -5, 0), "right": ("left", 5, 0), "top": ("center", 0, 6), "bottom": ("center", 0, -6)}


def draw_scatter(panel: Panel, trace: Trace) -> None:
    """What the trace's mode says; an area is filled to itself."""
    x, y = panel.x.at(axis_values(trace, "x")), panel.y.at(axis_values(trace, "y"))
    mode = trace_mode(trace)
    if trace.get("connectgaps"):
        x, y = (item[np.isfinite(x) & np.isfinite(y)] for item in (x, y))
    if trace.get("fill"):
        panel.axes.fill(x, y, facecolor=paint(trace["fillcolor"]), linewidth=0)
    if "error_y" in trace:
        spread = np.asarray(trace["error_y"]["array"], float)
        colour = paint(trace["error_y"].get("color", line_colour(trace)))
        look = {"ecolor": colour, "elinewidth": PIXEL * 1.5, "capsize": 3}
        panel.axes.errorbar(x, y, yerr=np.nan_to_num(spread), fmt="none", **look)
    if "lines" in mode or "markers" in mode:
        draw_line(panel, trace, x, y)
    if "text" in mode:
        write_point_labels(panel, trace, x, y)


def trace_mode(trace: Trace) -> str:
    """Lines, markers, text and what is made of them; plotly joins many points without marks."""
    return trace.get("mode") or ("lines" if len(axis_values(trace, "y")) >= 20 else "lines+markers")


def draw_line(panel: Panel, trace: Trace, x: Float[np.ndarray, "point"], y: Float[np.ndarray, "point"]) -> None:
    """The line and its marks; marks of many colours are drawn colour by colour."""
    mode = trace_mode(trace)
    pixels: Keywords = {"rasterized": "markers" in mode and points_on(panel) > MOST_POINTS}
    if "lines" in mode:
        panel.axes.plot(x, y, **line_style_of(trace), **pixels)
    if "markers" in mode:
        marker = trace.get("marker", {})
        sizes = np.broadcast_to(np.asarray(marker.get("size", 6), float), x.shape)
        for (colour, size), of_colour in groups(point_colours(trace, len(x)), sizes):
            style = marker_style(marker.get("symbol", "circle"), colour, marker.get("line", {}))
            panel.axes.plot(x[of_colour], y[of_colour], linestyle="", markersize=PIXEL * size, **style, **pixels)


def points_on(panel: Panel) -> int:
    """How many marks all traces of a panel have."""
    return sum(
        len(axis_values(trace, "y"))
        for trace in panel.traces
        if trace["type"] == "scatter" and "markers" in trace_mode(trace)
    )


def line_style_of(trace: Trace) -> Keywords:
    """Colour, dash and width of a line."""
    line = trace.get("line", {})
    opacity = trace.get("opacity", 1.0)
    dash = DASHES[line.get("dash", "solid")]
    return {"color": paint(line_colour(trace), opacity), "linestyle": dash, "linewidth": PIXEL * line.get("width", 2)}


def line_colour(trace: Trace) -> str:
    """The line's own colour, or that of its marks."""
    colour = trace.get("marker", {}).get("color")
    return trace.get("line", {}).get("color") or (colour if isinstance(colour, str) else trace[WAY])


def point_colours(trace: Trace, count: int) -> list[Rgba]:
    """A colour per point: the only one, a list of them, or numbers through a scale."""
    marker = trace.get("marker", {})
    opacity = marker.get("opacity", 1.0) * trace.get("opacity", 1.0)
    colour = marker.get("color", line_colour(trace))
    if isinstance(colour, str):
        return [paint(colour, opacity)] * count
    if isinstance(colour[0], str):
        return [paint(item, opacity) for item in colour]
    norm, colours = colour_range(trace)
    return [(*colours(norm(item))[:3], opacity) for item in np.asarray(colour, float)]


def colour_range(trace: Trace) -> tuple[Normalize, Colormap]:
    """The range and the colours of numbers that colour points."""
    marker = trace["marker"]
    numbers = np.asarray(marker["color"], float)
    low, high = marker.get("cmin", np.nanmin(numbers)), marker.get("cmax", np.nanmax(numbers))
    return Normalize(float(low), float(high)), colour_map(marker["colorscale"])


def groups(colours: list[Rgba], sizes: Float[np.ndarray, "point"]) -> list[tuple[tuple[Rgba, float], list[int]]]:
    """The points of each look."""
    of_look: dict[tuple[Rgba, float], list[int]] = {}
    for at, look in enumerate(zip(colours, sizes.tolist(), strict=True)):
        of_look.setdefault(look, []).append(at)
    return list(of_look.items())


def write_point_labels(
    panel: Panel, trace: Trace, x: Float[np.ndarray, "point"], y: Float[np.ndarray, "point"]
) -> None:
    """The words of points, on the side where plotly sets them."""
    sides = np.broadcast_to(np.asarray(trace.get("textposition", "middle center")), x.shape)
    for at_x, at_y, text, side in zip(x, y, trace["text"], sides, strict=True):
        up, _, across = str(side).partition(" ")
        ha, right, above = SIDES.get(across, SIDES.get(up, ("center", 0, 0)))
        va = {"top": "bottom", "bottom": "top"}.get(up, "center")
        place = {"xytext": (right, above), "textcoords": "offset points", "ha": ha, "va": va}
        panel.axes.annotate(shown_words(text), (at_x, at_y), fontsize=12 * PIXEL, color=INK, **place)


def draw_cloud(panel: Panel, trace: Trace) -> None:
    """Marks in space."""
    from mpl_toolkits.mplot3d import Axes3D

    assert isinstance(panel.axes, Axes3D)  # as panel makes them of a scene
    marker = trace.get("marker", {})
    x, y, z = (np.asarray(trace[axis], float) for axis in "xyz")
    colours = point_colours(trace, len(x))
    style = marker_style(marker.get("symbol", "circle"), colours[0], {})
    look: Keywords = {"zs": z, "c": colours, "marker": style["marker"], "s": (PIXEL * marker.get("size", 6)) ** 2}
    panel.axes.scatter(x, y, **look)

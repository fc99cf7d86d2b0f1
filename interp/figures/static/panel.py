"""Panel: one plot of a figure: the traces that share a pair of axes, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headscope.interp.figures.palette.properties import Layout, Properties, Trace
from headscope.interp.figures.static.paint import INK, PAPER, PIXEL, RULE, paint
from headscope.interp.figures.static.scales import Scale, scale_of

WAY = "colour of the way"  # of a trace that has none of its own: plotly goes round the layout's colorway


@dataclass(frozen=True)
class Panel:
    """Axes of matplotlib with the scales of plotly's axes; names: those of plotly's axes, such as x2 and y2."""

    axes: Axes
    x: Scale
    y: Scale
    names: tuple[str, str]
    traces: tuple[Trace, ...]


def panels_on(page: Figure, traces: Sequence[Trace], layout: Layout) -> list[Panel]:
    """A panel per pair of axes that is drawn on, in the order of the traces."""
    groups: dict[tuple[str, str], list[Trace]] = {}
    for trace in traces:
        names = ("scene", "") if trace["type"] == "scatter3d" else (trace.get("xaxis", "x"), trace.get("yaxis", "y"))
        groups.setdefault(names, []).append(trace)
    return [panel(page, names, group, layout) for names, group in (groups or {("x", "y"): []}).items()]


def panel(page: Figure, names: tuple[str, str], traces: list[Trace], layout: Layout) -> Panel:
    """A new, empty panel with its ground; its place is set later."""
    if names[0] == "scene":
        nothing = Scale({}, "linear")
        return Panel(space(page, layout.get("scene", {})), nothing, nothing, names, tuple(traces))
    x, y = (layout.get(f"{name[0]}axis{name[1:]}", {}) for name in names)
    scales = scale_of(x, coordinates(traces, "x")), scale_of(y, coordinates(traces, "y"))
    axes = page.add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set_facecolor(paint(layout.get("plot_bgcolor", PAPER)))
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set(visible=bool(x.get("showline")), color=paint(x.get("linecolor", RULE)), linewidth=PIXEL)
    return Panel(axes, *scales, names, tuple(traces))


def space(page: Figure, scene: Properties) -> Axes:
    """Axes of three dimensions, seen from where plotly's camera stands."""
    from mpl_toolkits.mplot3d import Axes3D

    eye = {"x": 1.25, "y": 1.25, "z": 1.25} | scene.get("camera", {}).get("eye", {})
    axes = Axes3D(page)
    page.add_axes(axes)
    along = np.hypot(eye["x"], eye["y"])
    axes.tick_params(labelsize=10 * PIXEL, colors=INK)
    axes.view_init(elev=np.degrees(np.arctan2(eye["z"], along)), azim=np.degrees(np.arctan2(eye["y"], eye["x"])))
    return axes


def coordinates(traces: Sequence[Trace], axis: str) -> list[object]:
    """All values along an axis, trace by trace."""
    return [value for trace in traces for value in axis_values(trace, axis)]


def axis_values(trace: Trace, axis: str) -> list[object]:
    """A trace's values along an axis; where it has none they are counted from 0."""
    values = trace.get(axis)
    if values is not None:
        return np.asarray(values).tolist() if not isinstance(values, list | tuple) else list(values)
    if trace["type"] in ("heatmap", "image"):
        return list(range(np.shape(trace["z"])[1 if axis == "x" else 0]))
    return list(range(len(trace["y" if axis == "x" else "x"])))


def limit(panel: Panel, scale: Scale, axis: str) -> None:
    """The range of one axis, and its direction."""
    settings, axes = scale.settings, panel.axes
    low, high = sorted(getattr(axes, f"get_{axis}lim")())
    if scale.kind == "category":
        low, high = -0.5, len(scale.categories) - 0.5
    if settings.get("range") is not None:
        low, high = (10.0 ** np.array(settings["range"], float)) if scale.kind == "log" else settings["range"]
    elif settings.get("rangemode") == "tozero":
        low, high = min(low, 0.0), max(high, 0.0)
    ends = (high, low) if settings.get("autorange") == "reversed" else (low, high)
    getattr(axes, f"set_{axis}lim")(*ends)
    if scale.kind != "log" and settings.get("zeroline", True) and low < 0 < high and scale.kind == "linear":
        getattr(axes, "axvline" if axis == "x" else "axhline")(0, color="#cfd8e6", linewidth=2 * PIXEL, zorder=0.6)


def is_square(panel: Panel) -> bool:
    """Whether a unit is as long in both directions."""
    anchors = [scale.settings.get("scaleanchor") for scale in (panel.x, panel.y)]
    return any(anchor in panel.names for anchor in anchors) or any(trace["type"] == "image" for trace in panel.traces)


def make_square(panel: Panel) -> None:
    """Equal units in both directions: a smaller box where plotly cuts the domain, else a larger range."""
    settings, axes = (panel.x.settings, panel.y.settings), panel.axes
    if "domain" in [setting.get("constrain") for setting in settings] or any(
        trace["type"] == "image" for trace in panel.traces
    ):
        axes.set_aspect("equal", adjustable="box")
        return
    ends = np.array([axes.get_xlim(), axes.get_ylim()])
    lengths, pixels = np.ptp(ends, axis=1), np.array([axes.bbox.width, axes.bbox.height])
    wider = (lengths / pixels).max() * pixels / lengths
    middle = ends.mean(1, keepdims=True)
    x, y = middle + (ends - middle) * wider[:, None]
    axes.set(xlim=x, ylim=y)

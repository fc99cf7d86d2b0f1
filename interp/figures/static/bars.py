"""Bars: beside one another, on one another, or one before the other."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from headscope.interp.figures.palette.properties import Layout, Trace
from headscope.interp.figures.static.paint import PAPER, PIXEL, Keywords, Rgba, paint
from headscope.interp.figures.static.panel import WAY, Panel, axis_values

GAP = 0.2  # of the distance of two places: plotly's


def draw_bars(panel: Panel, traces: Sequence[Trace], layout: Layout) -> None:
    """All bars of a panel, as layout.barmode has them (group, overlay, relative or stack)."""
    mode = layout.get("barmode", "group")
    count = len(traces) if mode == "group" else 1
    ends: dict[tuple[float, bool], float] = {}
    for number, trace in enumerate(traces):
        places, values = places_and_values(panel, trace)
        wide = (1 - GAP) * distance(places) / count
        shift = (number - (count - 1) / 2) * wide if mode == "group" else 0.0
        bases = bar_bases(ends, places, values) if mode in ("relative", "stack") else np.zeros_like(values)
        widths = np.broadcast_to(np.asarray(trace.get("width", wide), float), places.shape)
        size = {"height": widths, "left": bases} if is_flat(trace) else {"width": widths, "bottom": bases}
        draw = panel.axes.barh if is_flat(trace) else panel.axes.bar
        draw(places + shift, values, **size, **bar_style(trace, len(values)))
        panel.axes.margins(y=0.02) if is_flat(trace) else panel.axes.margins(x=0.02)


def is_flat(trace: Trace) -> bool:
    """Whether the bars lie."""
    return trace.get("orientation") == "h"


def places_and_values(panel: Panel, trace: Trace) -> tuple[Float[np.ndarray, "bar"], Float[np.ndarray, "bar"]]:
    """Where the bars stand, and how long they are."""
    x, y = panel.x.at(axis_values(trace, "x")), panel.y.at(axis_values(trace, "y"))
    return (y, x) if is_flat(trace) else (x, y)


def distance(places: Float[np.ndarray, "bar"]) -> float:
    """The least distance of two places; 1 where there is one place."""
    step = float(np.min(np.diff(np.unique(places)), initial=np.inf))
    return step if np.isfinite(step) else 1.0


def bar_bases(
    ends: dict[tuple[float, bool], float], places: Float[np.ndarray, "bar"], values: Float[np.ndarray, "bar"]
) -> Float[np.ndarray, "bar"]:
    """Where each bar begins: above those before it at its place, or below them where it is negative."""
    bases = []
    for place, value in zip(places.tolist(), np.nan_to_num(values).tolist(), strict=True):
        bases.append(ends.get((place, value < 0), 0.0))
        ends[place, value < 0] = bases[-1] + value
    return np.array(bases)


def bar_style(trace: Trace, count: int) -> Keywords:
    """Colours, stripes and opacity."""
    marker = trace.get("marker", {})
    opacity = trace.get("opacity", 1.0)
    stripes = marker.get("pattern", {}).get("shape")
    colours = bar_colours(marker.get("color", trace[WAY]), opacity, count)
    return {"color": colours, "edgecolor": paint(PAPER), "linewidth": PIXEL / 2, "hatch": "///" if stripes else None}


def bar_colours(colour: str | Sequence[str] | np.ndarray, opacity: float, count: int) -> list[Rgba]:
    """A colour per bar."""
    return [paint(item, opacity) for item in ([colour] * count if isinstance(colour, str) else list(colour))]

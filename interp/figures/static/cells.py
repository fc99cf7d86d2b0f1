"""Cells: heatmaps and images, a pixel of an embedded picture per cell; a viewer scales it without blurring."""

import numpy as np
from jaxtyping import Float
from matplotlib.colors import Colormap, Normalize

from headscope.interp.figures.palette.properties import Trace
from headscope.interp.figures.static.paint import INK, PIXEL, Keywords, colour_map
from headscope.interp.figures.static.panel import Panel, axis_values
from headscope.interp.figures.static.words import shown_words

PLASMA = ["#0d0887", "#46039f", "#7201a8", "#9c179e", "#bd3786", "#d8576b", "#ed7953", "#fb9f3a", "#fdca26", "#f0f921"]
Z = Float[np.ndarray, "row column"]


def draw_heatmap(panel: Panel, trace: Trace) -> None:
    """Values through the trace's colours over its range; cells without a number stay empty."""
    z = values_of(trace)
    norm, colours = colours_of(trace)
    at_x, at_y = panel.x.at(axis_values(trace, "x")), panel.y.at(axis_values(trace, "y"))
    look: Keywords = {"cmap": colours, "norm": norm}
    if is_even(at_x) and is_even(at_y):
        box = (*cell_edges(at_x), *cell_edges(at_y))
        panel.axes.imshow(z, origin="lower", extent=box, aspect="auto", interpolation="none", **look)
    else:
        panel.axes.pcolormesh(at_x, at_y, z, shading="nearest", rasterized=True, **look)
    if trace.get("texttemplate"):
        write_cells(panel, trace, (at_x, at_y))


def values_of(trace: Trace) -> Z:
    """z, NaN where there is no number."""
    return np.array([[np.nan if item is None else item for item in row] for row in trace["z"]], dtype=float)


def colours_of(trace: Trace) -> tuple[Normalize, Colormap]:
    """The range and the colours of a heatmap."""
    z = values_of(trace)
    low, high = (float(reach(z, initial=-sign * np.inf)) for reach, sign in ((np.nanmin, -1), (np.nanmax, 1)))
    if (middle := trace.get("zmid")) is not None:
        low, high = middle - max(middle - low, high - middle), middle + max(middle - low, high - middle)
    low, high = (own if trace.get(name) is None else trace[name] for name, own in (("zmin", low), ("zmax", high)))
    return Normalize(low, high), colour_map(trace.get("colorscale") or PLASMA)


def write_cells(panel: Panel, trace: Trace, at: tuple[Float[np.ndarray, "column"], Float[np.ndarray, "row"]]) -> None:
    """The words of every cell, light on dark."""
    norm, colours = colours_of(trace)
    z, words = values_of(trace), np.asarray(trace["text"], dtype=object)
    for row, column in np.ndindex(z.shape):
        if text := shown_words(words[row, column]):
            dark = np.dot(colours(norm(z[row, column]))[:3], (0.3, 0.6, 0.1)) < 0.55
            place = {"ha": "center", "va": "center", "fontsize": 11 * PIXEL, "color": "white" if dark else INK}
            panel.axes.text(float(at[0][column]), float(at[1][row]), text, **place)


def draw_image(panel: Panel, trace: Trace) -> None:
    """Pixels of red, green and blue up to 255, with an opacity from 0 to 1 where the trace has one."""
    pixels = np.asarray(trace["z"], dtype=float)
    scale = np.array([255.0, 255.0, 255.0, 1.0][: pixels.shape[-1]])
    rows, columns = pixels.shape[:2]
    box = (-0.5, columns - 0.5, -0.5, rows - 0.5)
    panel.axes.imshow(pixels / scale, origin="lower", extent=box, aspect="auto", interpolation="none")


def is_even(at: Float[np.ndarray, "place"]) -> bool:
    """Whether places stand equally far apart, in rising order."""
    steps = np.diff(at)
    return not steps.size or bool(steps[0] > 0 and np.allclose(steps, steps[0]))


def cell_edges(at: Float[np.ndarray, "place"]) -> tuple[float, float]:
    """Half a cell beyond the first and the last place."""
    half = (at[1] - at[0]) / 2 if at.size > 1 else 0.5
    return float(at[0] - half), float(at[-1] + half)

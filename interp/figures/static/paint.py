"""Paint: plotly's names of colours, dashes and symbols in matplotlib's words."""

from collections.abc import Sequence
from typing import Any

from matplotlib.colors import LinearSegmentedColormap, to_rgba

from headscope.interp.figures.palette.properties import Properties

PIXEL = 0.75  # points
INK, RULE, PAPER = "#2a3f5f", "#ebf0f8", "#ffffff"
DASHES: Properties = {
    "solid": "-",
    "dash": (0, (6, 4)),
    "dot": (0, (1.5, 2.5)),
    "dashdot": (0, (6, 3, 1.5, 3)),
    "longdash": (0, (10, 4)),
    "longdashdot": (0, (10, 3, 1.5, 3)),
}
MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "x": "X",
    "cross": "P",
    "x-thin": "x",
    "cross-thin": "+",
    "line-ew": "_",
    "line-ns": "|",
    "triangle-up": "^",
    "triangle-down": "v",
    "star": "*",
}
Rgba = tuple[float, float, float, float]
Keywords = dict[str, Any]  # of matplotlib's, for how a mark is drawn


def paint(colour: str, opacity: float = 1.0) -> Rgba:
    """A colour of plotly: a name, #rrggbb, rgb(…) or rgba(…)."""
    if colour.startswith("rgb"):
        red, green, blue, *alpha = (float(part) for part in colour[colour.index("(") + 1 : -1].split(","))
        return red / 255, green / 255, blue / 255, opacity * (alpha[0] if alpha else 1.0)
    red, green, blue, own = to_rgba(colour)
    return red, green, blue, opacity * own


def colour_map(scale: Sequence[Any]) -> LinearSegmentedColormap:
    """A scale of plotly: pairs of a place from 0 to 1 and a colour, or colours alone."""
    stops = scale if not isinstance(scale[0], str) else [(i / (len(scale) - 1), item) for i, item in enumerate(scale)]
    pairs = [(float(at), paint(colour)) for at, colour in stops]
    return LinearSegmentedColormap.from_list("scale", pairs, N=257)  # an odd number, so that the middle has its colour


def marker_style(symbol: str, colour: Rgba, line: Properties) -> Keywords:
    """A symbol; an open one is drawn by its edge alone. Raises ValueError for one that is not known."""
    name = symbol.removesuffix("-open")
    if name not in MARKERS:
        raise ValueError(f"a symbol {symbol!r} cannot be drawn; known: {', '.join(MARKERS)}")
    is_open = name != symbol or name.endswith(("-thin", "line-ew", "line-ns"))
    edge = paint(line["color"]) if isinstance(line.get("color"), str) else colour
    width = PIXEL * line.get("width", 1.2 if is_open else 0)
    return {
        "marker": MARKERS[name],
        "markerfacecolor": "none" if is_open else colour,
        "markeredgecolor": colour if is_open else edge,
        "markeredgewidth": width,
    }

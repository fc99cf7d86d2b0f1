"""Colours: signed values through a white zero, lines that are not mistaken for signs, depths from pale to dark.

What is told apart by a colour is told apart by a dash, a shape or stripes too.
"""

from plotly.colors import sample_colorscale

from headscope.interp.figures.palette.properties import Properties

BLUE, RED, GREY = "#2166ac", "#b2182b", "#8a8f9c"
HOLE = "#e4e6ec"  # a cell without a number
DASHED = {"color": GREY, "dash": "dash", "width": 1.5}
CHOSEN = {"color": "#1c2030", "width": 2}  # around what is open or chosen, in every figure
OPEN = "#4f46e5"  # the open head, wherever it stands among others
CHANCE = {"color": "#1c2030", "dash": "dash", "width": 1}
BLUES = ("#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061")
REDS = ("#67001f", "#b2182b", "#d6604d", "#f4a582", "#fddbc7")
SIGNED = [[index / 10, colour] for index, colour in enumerate((*REDS, "#ffffff", *BLUES))]
RANKED = BLUES[:0:-1]  # bars beside one another, the first the darkest
POSITIVE = [[index / 5, colour] for index, colour in enumerate(("#ffffff", *BLUES))]
LINES = ("#1b7837", "#e08214", "#762a83", "#4d4d4d", "#01a9b4", "#c51b7d", "#8c6d31", "#a6d854")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
STRIPES = {"shape": "/", "size": 6, "solidity": 0.3}
# Viridis from light to dark, without its darkest end, which a dark page would swallow.
DEPTHS = sample_colorscale("Viridis_r", [0.05 + 0.1 * step for step in range(8)])


def depth_colour(depth: int, depths: int) -> str:
    """The colour of one depth of several, darker when deeper."""
    return str(sample_colorscale(DEPTHS, (1 + 9 * (depth + 1) / depths) / 10)[0])


def line_style(at: int) -> Properties:
    """Colour and dash of one line of several."""
    return {"color": LINES[at % len(LINES)], "dash": DASHES[at % len(DASHES)]}


def bar_marker(colour: str, *, is_striped: bool = False) -> Properties:
    """The marker of a bar."""
    return {"color": colour, "pattern": STRIPES if is_striped else {}}

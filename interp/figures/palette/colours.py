"""Colours: signed values through a white zero, lines that are not mistaken for signs, depths from pale to dark.

What is told apart by a colour is told apart by a dash, a shape or stripes too.
"""

from plotly.colors import sample_colorscale

from headscope.interp.figures.palette.properties import Properties

# What a colour says where it stands for one thing, in every figure; things of one kind beside one another have LINES.
MEANINGS = {
    "adds": "#2166ac",
    "subtracts": "#b2182b",
    "neither": "#c8ccd4",
    "null": "#8a8f9c",
    "a known value": "#1c2030",
    "no number": "#e4e6ec",
    "open or chosen": "#4f46e5",
    "query": "#a89a00",
    "key": "#0b7a75",
    "softmax twin": "#6b7280",
    "depends on the gauge": "#7a4a00",
}
BLUE, RED, GREY, HOLE = (MEANINGS[name] for name in ("adds", "subtracts", "null", "no number"))
DASHED = {"color": GREY, "dash": "dash", "width": 1.5}
CHOSEN = {"color": MEANINGS["open or chosen"], "width": 2}
RIM = {"color": "#ffffff", "width": 7}  # below a frame around what is chosen, which then stands out on anything
CHANCE = {"color": MEANINGS["a known value"], "dash": "dash", "width": 1}
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

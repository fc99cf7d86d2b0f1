"""Canvas: what all figures share. Zero is white, blue positive, red negative; rows are queries, top to bottom."""

import re
from collections.abc import Sequence
from textwrap import wrap

import plotly.graph_objects as go
from plotly.basedatatypes import BaseTraceType

from headscope.interp.figures.drawing.null_marks import marks_in_words
from headscope.interp.figures.palette.colours import HOLE, LINES
from headscope.interp.figures.palette.legend import PLACE, legend_height
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.results.about import About

GAUGE = "gauge-dependent"
PLOT, SQUARE = 340, 480  # pixels, without the title above and the axis below; square: tokens by tokens
TITLE, LINE, WORDS, MENU, BELOW = 58, 17, 80, 44, 60
TITLE_LINE, TITLE_WORDS = 22, 48
RAISED = 12  # how much higher plotly sets a title of several lines
BAR_WORDS = 36
BAR_SPACE = "\u00a0\u00a0"  # after tick labels, on which plotly sets the title else
MARKS = str.maketrans({"\n": "↵", "\t": "⇥", "\r": "␍"})
MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
BLANK_ENDS = re.compile("^ +| +$")
FRAME = {"showgrid": False, "zeroline": False, "showline": True, "mirror": True, "linecolor": HOLE}


def canvas(
    about: About,
    traces: Sequence[BaseTraceType],
    field: str = "",
    tall: int = PLOT,
    legend: Properties | None = None,
    **layout: object,
) -> PortableFigure:
    """A figure with the result's title, law and unit; a field that depends on the gauge says so in the title.

    tall: the height of the plot in pixels. The menu of `choice` has a row of its own above it. Heatmaps say what
    their colours are, the unit where they do not know better, and cells without a number are grey. Legends stand below.
    """
    title, above = heading(about, field, marks_in_words(traces))
    top = TITLE + above + (MENU if "updatemenus" in layout else 0)
    below = BELOW + legend_height(traces)
    margin = {"l": 70, "r": 30, "t": top, "b": below}
    look = {"template": "plotly_white", "colorway": LINES, "legend": PLACE | (legend or {})}
    base = {"title": title, "margin": margin, "height": top + tall + below}
    figure = PortableFigure(list(traces), {**look, **base, **layout})
    unnamed = {"type": "heatmap", "colorbar.title.text": None}
    figure.for_each_trace(lambda item: item.update(colorbar=bar(about.unit)), unnamed)
    if traces and all(isinstance(trace, go.Heatmap) for trace in traces):
        figure.update_layout(plot_bgcolor=HOLE).update_xaxes(FRAME).update_yaxes(FRAME)
    return figure


def heading(about: About, field: str, marks: Sequence[str]) -> tuple[Properties, int]:
    """The title with law, unit and what marks mean below it, and the pixels that their lines take."""
    gauge = f" ({GAUGE})" if field in about.gauge_dependent else ""
    titles = wrap(about.title + gauge, TITLE_WORDS, break_on_hyphens=False)
    lines = wrap(about.law if about.unit == "1" else f"{about.law} · {about.unit}", WORDS, break_on_hyphens=False)
    lines += marks
    below = {"text": "<br>".join(map(escaped, lines)), "font": {"size": 12}}
    raised = RAISED if len(titles) > 1 else 0
    pad = {"t": 14 + raised, "l": 16}
    place = {"x": 0, "y": 1, "yref": "container", "xanchor": "left", "yanchor": "top", "pad": pad}
    text = "<br>".join(map(escaped, titles))
    return {"text": text, "subtitle": below, **place}, LINE * len(lines) + TITLE_LINE * (len(titles) - 1) + raised


def bar(words: str) -> Properties:
    """A colour bar that says what the colours are."""
    text = "<br>".join(map(escaped, wrap(words, BAR_WORDS, break_on_hyphens=False)))
    return {"title": {"text": text, "side": "right"}, "ticksuffix": BAR_SPACE}


def escaped(text: str) -> str:
    """Text as it is: plotly reads labels as a kind of HTML, and trims what is blank."""
    return with_blank_ends(text.translate(MARKS)).translate(MARKUP)


def with_blank_ends(text: str) -> str:
    """Text whose blanks at its ends are seen."""
    return BLANK_ENDS.sub(lambda blank: "·" * len(blank[0]), text)

"""Figures of detectors: grids of layers by heads, one detector and one reading at a time."""

import plotly.graph_objects as go

from headscope.interp.detectors.copying import PromptCopying
from headscope.interp.detectors.scores import DetectorScores
from headscope.interp.figures.drawing.canvas import GAUGE, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.heads import head_axes, head_heatmap

READINGS = ("share", "signed", "sign")
PAIR = ("copying", "suppression")


def detectors_figure(result: DetectorScores) -> go.Figure:
    """A menu of detectors and readings; pointing at a head gives the null."""
    names, traces = [], []
    for reading in READINGS:
        for index, detector in enumerate(result.labels["detector"]):
            names.append(f"{detector}: {reading}{f' ({GAUGE})' if reading in result.about.gauge_dependent else ''}")
            traces.append(head_heatmap(result, reading, index, name=detector, visible=not traces))
    return canvas(result.about, traces, **head_axes(), **menu_layout(names))


def prompt_copying_figure(result: PromptCopying) -> go.Figure:
    """Copying, or suppression, of every head."""
    traces = [head_heatmap(result, name, name=name, visible=name == PAIR[0]) for name in PAIR]
    return canvas(result.about, traces, **head_axes(), **menu_layout(PAIR))

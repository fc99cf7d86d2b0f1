"""Figures over the timesteps of a diffusion model: collapse and subtraction, block by block."""

import plotly.graph_objects as go

from headscope.interp.diffusion.timesteps import CollapseByTimestep, SubtractedByTimestep
from headscope.interp.figures.drawing.axes import name_axis, top_down
from headscope.interp.figures.drawing.canvas import bar, canvas
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.heatmaps import heatmap
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.result import Result

MEASURES = ("mean_cosine", "relative_residual", "effective_rank", "effective_rank_of_squares")


def collapse_by_timestep_figure(result: CollapseByTimestep) -> go.Figure:
    """Depths by timesteps, noise on the left; a menu of measures."""
    cells = [by_timestep(result, name).update(visible=name == MEASURES[0]) for name in MEASURES]
    menu = menu_layout([name.replace("_", " ") for name in MEASURES])
    return canvas(result.about, cells, MEASURES[0], **axes(result, "depth"), **menu)


def subtracted_by_timestep_figure(result: SubtractedByTimestep) -> go.Figure:
    """Blocks by timesteps, noise on the left."""
    cells = by_timestep(result, "minority_mass")
    return canvas(result.about, [cells], "minority_mass", **axes(result, "layer"))


def by_timestep(result: Result, field: str) -> go.Heatmap:
    """The heatmap of a field, turned so that time runs to the right."""
    words = field.replace("_", " ")
    hover = f"timestep %{{x}}, %{{y}}<br>{words} %{{z:.4f}}"
    return heatmap(result.tensors()[field].T, hover).update(name=field, colorbar=bar(words))


def axes(result: Result, down: str) -> Properties:
    """Timesteps by depth."""
    return {
        "xaxis": name_axis(result.labels["timestep"], title="timestep"),
        "yaxis": top_down(**name_axis(result.labels[down])),
    }

"""What stands at the sides of a figure: the name of the only measure, and room for a title of several lines."""

from typing import Any

import plotly.graph_objects as go
import torch

from headscope.interp.figures.static.colour_bar import bar_room
from headscope.interp.figures.trajectories import trajectory_figure
from headscope.interp.results.about import About
from headscope.interp.trajectories.trajectory import Trajectory

ABOUT = About("A trajectory", "1", "x = 1", "headscope")


def trajectory_of(*measures: str) -> go.Figure:
    value = torch.rand(2, len(measures))
    labels = {"measure": measures}
    run, step = torch.zeros(2, dtype=torch.long), torch.arange(2)
    return trajectory_figure(Trajectory(value, run, step, ("a",), ("f", "g"), about=ABOUT, labels=labels))


def bar_titled(title: str) -> Any:
    return {"type": "heatmap", "colorbar": {"title": {"text": title}}}


def test_the_only_measure_names_the_axis_and_several_stand_in_a_menu() -> None:
    titles: list[Any] = [trajectory_of(*measures).layout.yaxis.title.text for measures in (("loss",), ("loss", "rank"))]
    assert titles == ["loss", ""]


def test_every_line_of_a_colour_bar_s_title_takes_as_much_room() -> None:
    none, one, two, three = (bar_room([bar_titled("<br>".join(["x"] * lines))] if lines else []) for lines in range(4))
    assert one - none == two - one == three - two > 0

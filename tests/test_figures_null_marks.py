"""Nulls on the face: what is near its null is hatched or pale, what is bound to it grey, and the figure says so."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

from headscope.app.figure.constant import constant_value
from headscope.app.figure.panel import sentence_below
from headscope.interp.figures.drawing.dark import dark_figure
from headscope.interp.figures.drawing.null_marks import HATCH, MEANINGS, marked_bars, marks_in_words
from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore

ABOUT = About("A score", "1", "x = 1", "headscope", plain="Above 0 the head does it. Below it does not.")
FAR, NEAR, BOUND = (0.9, 0.1, 0.2), (0.5, 0.1, 0.2), (0.0, 0.0, 0.0)


def scored(*heads: tuple[float, float, float]) -> HeadScore:
    """Heads of one layer: value, null and spread of each."""
    return HeadScore(*torch.tensor(heads).T.unsqueeze(1), about=ABOUT)


def test_a_number_within_two_spreads_is_hatched_and_one_that_can_be_nothing_else_is_grey() -> None:
    figure: Any = scored(FAR, NEAR, BOUND).figure()
    [cells] = figure.data
    assert cells.text.tolist() == [["", HATCH, ""]] and np.isnan(cells.z).tolist() == [[False, False, True]]
    assert cells.hovertext[0, 1] == "0.1000 ± 0.2000" and "null %{text}" in cells.hovertemplate
    assert all(words in figure.layout.title.subtitle.text for words in MEANINGS.values() if "Pale" not in words)


def test_what_stands_below_a_figure_is_one_plain_sentence_and_its_marks() -> None:
    near, far = scored(FAR, NEAR), scored(FAR, FAR)
    assert sentence_below(near, near.figure()) == f"Above 0 the head does it. {MEANINGS['hatched']}"
    assert sentence_below(far, far.figure()) == "Above 0 the head does it."


def test_a_hatch_is_drawn_in_a_picture_and_on_a_dark_page() -> None:
    figure: Any = scored(FAR, NEAR).figure()
    assert isinstance(figure, PortableFigure) and HATCH in figure.svg()
    dark: Any = dark_figure(figure)
    assert dark.data[0].text[0][1] == HATCH


def test_a_grid_of_heads_that_can_all_be_nothing_else_does_not_apply() -> None:
    value = constant_value(scored(BOUND, BOUND).figure())
    assert value is not None and np.isnan(value)


@pytest.mark.parametrize("colour", ["#2166ac", ["#2166ac", "#b2182b"]])
def test_a_bar_near_its_null_is_pale(colour: Any) -> None:
    bars: Any = marked_bars(go.Bar(y=[0.9, 0.5], marker={"color": colour}), *np.array([FAR, NEAR]).T)
    assert bars.marker.color[0] == "#2166ac" and bars.marker.color[1] in ("#b5ccE3".lower(), "#e5b2b8")
    assert marks_in_words([bars]) == [MEANINGS["pale"]]

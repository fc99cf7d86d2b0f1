"""Results: labelled tensors that tabulate, store and show themselves; assumptions and nulls."""

import json
import math
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.results.about import About
from headscope.interp.results.assumptions import refuse_unlawful
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.nulls import null_of, shuffled_signs, softmax_twin

ABOUT = About("A score", "1", "x = 1", "headscope", null="random weights", by_gauge={"odd": ("value",)})
VALUE = torch.tensor([[0.5, -1.0], [float("nan"), 0.0]])
SCORE = HeadScore(VALUE, VALUE.nan_to_num(), VALUE.abs(), about=ABOUT, labels={"head": ("<s>", "b")})


def test_a_frame_has_a_row_per_index_and_its_labels() -> None:
    frame = SCORE.to_frame()
    assert list(frame.columns) == ["layer", "head", "head_label", "value", "value_null", "value_null_spread"]
    assert frame.loc[1, ["layer", "head", "head_label", "value"]].tolist() == [0, 1, "b", -1.0]


def test_json_is_plain_and_marks_what_depends_on_the_gauge() -> None:
    said = json.loads(json.dumps(SCORE.to_json(), allow_nan=False))
    assert said["fields"]["value"] == {
        "axes": ["layer", "head"],
        "gauge_dependent": True,
        "values": [[0.5, -1.0], [None, 0.0]],
    }
    assert said["fields"]["value_null"]["gauge_dependent"] is False
    assert (said["kind"], said["about"]["null"]) == ("HeadScore", "random weights")


def test_csv_holds_the_frame() -> None:
    assert SCORE.to_csv().splitlines()[2] == "0,1,b,-1.0,-1.0,1.0"


def test_an_unknown_field_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no field 'colour'; known: value, value_null"):
        SCORE.to_frame("colour")


def test_the_figure_shows_value_null_and_gauge() -> None:
    figure = SCORE.figure()
    assert figure.data[0].z[0, 1] == -1.0 and (figure.data[0].zmin, figure.data[0].zmax) == (-1.0, 1.0)
    assert figure.data[0].hovertext[0, 1] == "-1.0000 ± 1.0000"
    assert "gauge-dependent" in figure.layout.title.text


def test_a_notebook_gets_a_figure_and_a_picture_without_scripts() -> None:
    shown = SCORE._repr_mimebundle_()
    assert shown["application/vnd.plotly.v1+json"]["data"][0]["type"] == "heatmap"
    assert shown["image/svg+xml"].startswith("<svg") and "<script" not in shown["image/svg+xml"]
    assert shown["text/plain"] == "HeadScore(A score: value (2, 2), value_null (2, 2), value_null_spread (2, 2))"


def test_a_result_is_shown_in_a_cell_or_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    display = SimpleNamespace(display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object(), display=display))
    SCORE.show()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    monkeypatch.setattr(PortableFigure, "show", lambda figure: shown.append(figure))
    SCORE.show()
    cell, in_browser = shown
    assert cell is SCORE and in_browser == SCORE.figure()


@pytest.mark.parametrize(
    ("assumption", "pattern", "refusal"),
    [
        ("non_negative", [[1.0, 0.0], [1.5, -0.5]], "assumes non negative, but this pattern has weights down to -0.5"),
        ("rows_sum_to_one", [[1.0, 0.0], [0.5, -0.5]], "has rows that sum to 0 … 1"),
        ("causal", [[0.5, 0.5], [0.5, 0.5]], "sees the future"),
    ],
)
def test_a_broken_assumption_is_refused(assumption: str, pattern: list[list[float]], refusal: str) -> None:
    about = About("Focus", "1", "", "", assumes=(assumption,))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=refusal):
        refuse_unlawful(torch.tensor([pattern]), about)
    refuse_unlawful(torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.5, 0.5]]]), about)


def test_shuffled_signs_keep_magnitudes_and_the_count_of_signs() -> None:
    pattern = torch.randn(2, 9, 9).tril()
    shuffled = shuffled_signs(pattern, torch.Generator().manual_seed(1))
    assert_close(shuffled.abs(), pattern.abs())
    assert_close(shuffled.sign().sum(-1), pattern.sign().sum(-1))
    assert not torch.equal(shuffled, pattern)


def test_the_softmax_twin_is_softmax_of_the_visible_scores() -> None:
    scores = torch.tensor([[[1.0, 9.0], [math.log(3.0), 0.0]]])
    visible = torch.tensor([[[False, False], [True, True]]])
    assert_close(softmax_twin(scores, visible), torch.tensor([[[0.0, 0.0], [0.75, 0.25]]]))


def test_a_null_is_the_same_for_the_same_seed() -> None:
    first, second = (null_of(lambda dice: torch.rand(3, generator=dice), samples=50) for _ in range(2))
    assert_close(first.mean, second.mean)
    assert_close(first.mean, torch.full((3,), 0.5), atol=0.2, rtol=0)

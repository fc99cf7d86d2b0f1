"""Heads that are alike in a number: nearest first, itself at 0, and no comparison of what a mirrored head changes."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from headscope.interp.heads.near_heads import near_heads, nearest
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore

ABOUT = About(title="a score", unit="nats", law="x", source="headscope")


@pytest.fixture
def score() -> HeadScore:
    return HeadScore(torch.tensor([[0.0, 5.0, 1.0], [float("nan"), 4.0, -3.0]]), about=ABOUT)


def test_a_head_is_at_no_distance_from_itself(score: HeadScore) -> None:
    assert_close(near_heads(score, 0, 1).value[0, 1], torch.tensor(0.0))


def test_the_nearest_heads_come_first_and_those_without_the_number_never(score: HeadScore) -> None:
    assert nearest(near_heads(score, 0, 1), 9) == [(0, 1), (1, 1), (0, 2), (0, 0), (1, 2)]


def test_the_null_is_what_any_other_head_is_away(score: HeadScore) -> None:
    found = near_heads(score, 0, 1)
    assert found.value_null is not None
    assert_close(found.value_null[0, 0], torch.tensor((5.0 + 4.0 + 1.0 + 8.0) / 4))


def test_a_number_that_the_gauge_changes_is_refused(score: HeadScore) -> None:
    signed = replace(score, about=replace(ABOUT, by_gauge={"odd": ("value",)}))
    with pytest.raises(ValueError, match="a score depends on the gauge"):
        near_heads(signed, 0, 0)


def test_a_head_alone_has_none_near() -> None:
    with pytest.raises(ValueError, match="no other one has this number"):
        near_heads(HeadScore(torch.tensor([[2.0]]), about=ABOUT), 0, 0)

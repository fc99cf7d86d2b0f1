"""Signed-max pooling: no strong weight of either sign is lost in a small picture."""

import pytest
import torch
from torch.testing import assert_close

from headscope.interp.heads.signed_max_pool import signed_max_pool, visible_max_pool


@pytest.mark.parametrize("weight", [0.9, -0.9])
@pytest.mark.parametrize("length", [5, 16, 37])
def test_a_lone_strong_weight_survives(weight: float, length: int) -> None:
    pattern = 0.01 * torch.randn(1, length, length)
    pattern[0, length - 1, length // 2] = weight
    pooled = signed_max_pool(pattern, 5)
    assert_close(pooled.flatten()[pooled.abs().argmax()], torch.tensor(weight))


def test_mirroring_a_pattern_mirrors_its_picture() -> None:
    pattern = torch.randn(3, 40, 40)
    assert_close(signed_max_pool(-pattern, 7), -signed_max_pool(pattern, 7))


def test_a_small_pattern_is_its_own_picture() -> None:
    pattern = torch.randn(2, 6, 6)
    assert_close(signed_max_pool(pattern, 32), pattern)


def test_a_block_is_visible_when_one_of_its_cells_is() -> None:
    visible = torch.ones(1, 8, 8).tril().bool()
    assert visible_max_pool(visible, 4)[0].equal(torch.ones(4, 4).tril().bool())

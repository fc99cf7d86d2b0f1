"""How alike heads are: 1 for itself, blind to sign and scale, 0 where nothing is shared."""

import pytest
import torch
from torch.testing import assert_close

from headscope.interp.heads.similar_heads import similar_heads


@pytest.fixture
def patterns() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, 5, 5, dtype=torch.float64).tril()


def test_a_head_is_most_like_itself(patterns: torch.Tensor) -> None:
    found = similar_heads(patterns[1, 2], patterns)
    assert_close(found.value[1, 2], torch.tensor(1.0, dtype=torch.float64))
    assert int(found.value.argmax()) == 5


def test_sign_and_scale_of_rows_change_nothing(patterns: torch.Tensor) -> None:
    scaled = -patterns * torch.rand(2, 3, 5, 1, dtype=torch.float64)
    assert_close(similar_heads(patterns[0, 0], scaled).value, similar_heads(patterns[0, 0], patterns).value)


def test_heads_without_a_common_key_are_not_alike() -> None:
    first, second = torch.eye(4), torch.eye(4).roll(1, -1)
    assert_close(similar_heads(first, second[None, None]).value, torch.zeros(1, 1))


def test_other_lengths_are_refused(patterns: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="choose models with one tokenizer"):
        similar_heads(patterns[0, 0, :4, :4], patterns)


def test_another_head_that_attends_alike_counts_in_the_null() -> None:
    torch.manual_seed(0)
    patterns = torch.rand(1, 3, 4, 4).tril()
    patterns[0, 1] = patterns[0, 0]
    found = similar_heads(patterns[0, 0], patterns)
    assert_close(found.value_null[0, 0], (1 + found.value[0, 2]) / 2)
    alike = similar_heads(patterns[0, 0], patterns[:, :2])
    assert_close(alike.value_null, torch.ones(1, 2))
    assert_close(alike.value_null_spread, torch.zeros(1, 2))


def test_a_mirrored_copy_is_another_head() -> None:
    pattern = torch.rand(4, 4).tril()
    assert_close(similar_heads(pattern, torch.stack([-pattern, pattern])[None]).value_null, torch.ones(1, 2))


def test_a_head_alone_is_compared_with_none() -> None:
    with pytest.raises(ValueError, match="this model has one head alone"):
        similar_heads(torch.eye(4), torch.eye(4)[None, None])


def test_millions_of_cells_keep_their_digits() -> None:
    torch.manual_seed(0)
    patterns = torch.randn(1, 2, 1600, 1600).tril()
    found, exact = (similar_heads(one[0, 0], one).value for one in (patterns, patterns.double()))
    assert_close(found.double(), exact, atol=1e-5, rtol=0)


def test_rows_of_zeros_are_like_nothing_and_no_number_is_lost() -> None:
    patterns = torch.rand(1, 3, 4, 4).tril()
    patterns[0, 1] = 0
    patterns[0, 2] *= 1e-30
    found = similar_heads(patterns[0, 0], patterns)
    assert found.value.isfinite().all() and float(found.value[0, 1]) == 0 and float(found.value[0, 2]) > 0.1

"""How alike heads are: 1 for itself, blind to sign and scale, 0 where nothing is shared."""

import pytest
import torch
from torch.testing import assert_close

from interp.similar_heads import similar_heads


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

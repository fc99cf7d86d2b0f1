"""Row and head statistics on hand-made patterns, and what mirroring a signed head may change."""

import math

import pytest
import torch
from torch.testing import assert_close

from headscope.interp.rows.head_statistics import head_statistics
from headscope.interp.rows.row_statistics import RowStatistics, row_statistics

PATTERN = torch.tensor([[-1.0, 0.0, 0.0], [-0.25, 0.75, 0.0], [0.5, -0.25, -0.25]])
VISIBLE_KEYS = torch.tensor([1, 2, 3])


def random_pattern() -> torch.Tensor:
    return torch.randn(2, 3, 7, 7).tril()


def test_negative_mass_is_the_share_that_subtracts() -> None:
    assert_close(row_statistics(PATTERN).negative_mass, torch.tensor([1.0, 0.25, 0.5]))


def test_signed_sum_lets_signs_cancel() -> None:
    assert_close(row_statistics(PATTERN).signed_sum, torch.tensor([-1.0, 0.5, 0.0]))


def test_entropy_reads_magnitudes_in_nats() -> None:
    second = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert_close(row_statistics(PATTERN).entropy, torch.tensor([0.0, second, 1.5 * math.log(2)]))


def test_first_token_mass_is_a_share_of_magnitude() -> None:
    assert_close(row_statistics(PATTERN).first_token_mass, torch.tensor([1.0, 0.25, 0.5]))


def test_a_uniform_row_has_the_logarithm_of_its_keys_as_entropy() -> None:
    assert_close(row_statistics(torch.full((1, 5), -0.2)).entropy, torch.tensor([math.log(5)]))


@pytest.mark.parametrize("field", ["negative_mass", "entropy", "first_token_mass"])
def test_a_dead_row_has_no_shares(field: str) -> None:
    assert getattr(row_statistics(torch.zeros(1, 4)), field).isnan().all()


def test_a_dead_row_sums_to_zero() -> None:
    assert row_statistics(torch.zeros(1, 4)).signed_sum.item() == 0


def test_nan_is_not_hidden() -> None:
    assert row_statistics(torch.tensor([[torch.nan, 0.5]])).negative_mass.isnan().all()


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("field", ["negative_mass", "entropy", "first_token_mass"])
def test_shares_do_not_depend_on_the_scale_of_a_row(field: str, gain: float) -> None:
    pattern = random_pattern()
    assert_close(getattr(row_statistics(gain * pattern), field), getattr(row_statistics(pattern), field))


@pytest.mark.parametrize("field", ["minority_mass", "entropy", "first_token_mass"])
def test_mirroring_a_head_leaves_what_it_computes(field: str) -> None:
    pattern, keys = random_pattern(), torch.arange(1, 8)
    one = head_statistics(row_statistics(pattern), keys)
    mirrored = head_statistics(row_statistics(-pattern), keys)
    assert_close(getattr(mirrored, field), getattr(one, field))


def test_mirroring_a_head_turns_negative_mass_into_its_complement() -> None:
    pattern, keys = random_pattern(), torch.arange(1, 8)
    one = head_statistics(row_statistics(pattern), keys)
    mirrored = head_statistics(row_statistics(-pattern), keys)
    assert_close(mirrored.negative_mass, 1 - one.negative_mass)
    assert_close(mirrored.signed_sum, -one.signed_sum)


def test_a_row_without_a_choice_is_not_counted() -> None:
    assert_close(head_statistics(row_statistics(PATTERN), VISIBLE_KEYS).negative_mass, torch.tensor(0.375))


def test_a_dead_row_is_not_counted() -> None:
    rows = row_statistics(torch.cat([PATTERN, torch.zeros(1, 3)]))
    assert_close(head_statistics(rows, torch.tensor([1, 2, 3, 3])).negative_mass, torch.tensor(0.375))


def test_minority_mass_is_at_most_a_half() -> None:
    heads = head_statistics(row_statistics(random_pattern()), torch.arange(1, 8))
    assert_close(heads.minority_mass, torch.minimum(heads.negative_mass, 1 - heads.negative_mass))
    assert heads.minority_mass.max() <= 0.5


def test_a_prompt_of_one_token_has_no_means() -> None:
    assert head_statistics(row_statistics(torch.ones(2, 1, 1)), torch.tensor([1])).entropy.isnan().all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(Exception, match=r"negative_mass|query"):
        RowStatistics(torch.zeros(3), torch.zeros(4), torch.zeros(3), torch.zeros(3))

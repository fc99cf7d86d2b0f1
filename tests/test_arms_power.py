"""Power and the seeds it takes: the noncentral t of scipy, dice, and what a table of such numbers says."""

from typing import Any

import numpy as np
import pytest

from headscope.interp.arms.evidence import evidence_of
from headscope.interp.arms.power import CONFIDENCE, POWER, equivalence_power, needed_seeds, superiority_power
from headscope.interp.arms.student import student_quantile

EFFECTS = [(0.3, 5), (1.0, 3), (2.3, 3), (0.5, 30), (5.0, 2), (0.1, 400)]


@pytest.mark.parametrize(("effect", "seeds"), EFFECTS)
def test_power_is_the_tail_of_the_noncentral_t(effect: float, seeds: int) -> None:
    stats: Any = pytest.importorskip("scipy.stats")
    tail = stats.nct.sf(student_quantile(CONFIDENCE, seeds - 1), seeds - 1, effect * seeds**0.5)
    assert superiority_power(effect, seeds) == pytest.approx(tail, abs=1e-5)


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_without_an_effect_the_rule_is_wrong_in_five_of_a_hundred(seeds: int) -> None:
    assert superiority_power(0.0, seeds) == pytest.approx(1 - CONFIDENCE, abs=1e-3)


@pytest.mark.parametrize(("margin", "seeds"), [(1.0, 5), (2.0, 3), (0.5, 40)])
def test_equivalence_is_seen_as_often_as_dice_see_it(margin: float, seeds: int) -> None:
    samples = np.random.default_rng(0).normal(size=(40_000, seeds))
    half = student_quantile(CONFIDENCE, seeds - 1) * samples.std(1, ddof=1) / seeds**0.5
    seen = (np.abs(samples.mean(1)) + half < margin).mean()
    assert equivalence_power(margin, seeds) == pytest.approx(seen, abs=0.01)


@pytest.mark.parametrize(("effect", "seeds"), [(0.5, 27), (1.0, 8), (0.2, 156)])
def test_seeds_are_those_of_the_tables_of_a_one_sided_paired_test(effect: float, seeds: int) -> None:
    assert needed_seeds(effect) == seeds


@pytest.mark.parametrize("is_within", [False, True])
@pytest.mark.parametrize("effect", [0.4, 1.5])
def test_the_fewest_seeds_reach_the_power_and_fewer_do_not(effect: float, is_within: bool) -> None:
    power, seeds = (equivalence_power if is_within else superiority_power), needed_seeds(effect, is_within=is_within)
    assert seeds is not None and power(effect, seeds - 1) < POWER <= power(effect, seeds)


def test_three_seeds_see_only_what_is_more_than_two_spreads_large() -> None:
    assert needed_seeds(2.3) == 3 and needed_seeds(1.6) != 3


def test_what_a_thousand_seeds_do_not_see_has_no_number() -> None:
    assert needed_seeds(0.01) is None
    with pytest.raises(ValueError, match="above 0; got 0"):
        needed_seeds(0.0)


def test_the_words_say_for_which_difference_the_seeds_are_counted() -> None:
    sample = np.array([-1.0, 0.5, 1.1])
    assert "80% power at 0.5 (the margin) from the bound: " in evidence_of(sample, 0.0, margin=0.5).power_words
    assert "80% power at 0.2 (as measured) from the bound: " in evidence_of(sample, 0.0).power_words
    assert "80% power to see nothing beyond 0.5: " in evidence_of(sample, 0.5, "within", 0.5).power_words
    assert evidence_of(np.ones(3), 0.0).power_words == ""
    assert evidence_of(0.001 * sample, 1.0, margin=1e-5).power_words.endswith("more than 1,000 seeds")

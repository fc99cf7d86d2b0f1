"""The claims of E5, each asked at every number of tokens, every arm at its own best rate."""

import numpy as np

from headscope.interp.arms.arms import Arms, arms
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    bound_answer,
    mean_with_spread,
    measurable_answer,
    noninferiority_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e5_frobenius_norms.vision_models import POWERS, SCALED, SOFTMAX, UNSCALED
from headscope.models.data.images.digits import CLASSES

MARGIN = 0.02  # of accuracy
WORSE = Margin(MARGIN, "the margin of 'at least as well'")
LEARNED = Floor(1 / CLASSES + MARGIN, "accuracy", "chance and the margin")


def judge(outcome: Outcome) -> list[Verdict]:
    """Every power with the factor as good as softmax, and without it worse; the maps of x³/√N no larger."""
    by_tokens = {int(tokens): arms(part, "attention") for tokens, part in outcome.split("N")}
    of_powers = [
        verdict(by_arm, power, tokens)
        for tokens, by_arm in by_tokens.items()
        for power in POWERS
        if SCALED[power] in by_arm
        for verdict in (as_good_verdict, worse_verdict)
    ]
    return [*of_powers, *(map_norm_verdict(by_arm, tokens) for tokens, by_arm in by_tokens.items())]


def as_good_verdict(by_arm: Arms, power: int, tokens: int) -> Verdict:
    """With the factor at least as good as softmax."""
    name = SCALED[power]
    ours, softmax = (by_arm[arm].sample("accuracy") for arm in (name, SOFTMAX))
    return Verdict(
        f"{name} classifies at least as well as softmax, to within {MARGIN}, each at its own best rate; N = {tokens:,}",
        "comparable or better on ImageNet-1k" if power == 3 else "comparable",
        f"{pair_with_spread(ours, softmax)}; {rates_in_words(by_arm, name, SOFTMAX)}",
        measurable_answer(noninferiority_answer(ours, softmax, MARGIN), [ours, softmax], LEARNED),
        f"{name} as good as softmax, N {tokens}",
    )


def worse_verdict(by_arm: Arms, power: int, tokens: int) -> Verdict:
    """Without the factor worse than with it."""
    name, scaled = UNSCALED[power], SCALED[power]
    without, ours = (by_arm[arm].sample("accuracy") for arm in (name, scaled))
    return Verdict(
        f"{name} without the factor classifies worse than with it, each at its own best rate; N = {tokens:,}",
        "it trains poorly",
        f"{pair_with_spread(without, ours)}; {rates_in_words(by_arm, name, scaled)}",
        measurable_answer(superiority_answer(ours, without, WORSE), [ours, without], LEARNED),
        f"{name} worse than {scaled}, N {tokens}",
    )


def map_norm_verdict(by_arm: Arms, tokens: int) -> Verdict:
    """The maps of x³/√N no larger than those of softmax, by the logarithm of their ratio."""
    name, without = SCALED[3], UNSCALED[3]
    ratio, at_start, bare = (over_softmax(by_arm, arm, at) for arm, at in ((name, -1), (name, 0), (without, -1)))
    return Verdict(
        f"Beyond the paper: ‖A‖_F‖W_OV‖_F of {name} ends its training no larger than softmax's own; N = {tokens:,}",
        "‖A‖_F alone, of order √N as softmax's bound",
        f"{mean_with_spread(ratio)} times softmax's, before training {mean_with_spread(at_start)}; {without}: "
        f"{mean_with_spread(bare)}; judged by ln of the ratio",
        bound_answer(np.log(ratio), below=0.0),
        f"maps of {name} no larger, N {tokens}",
    )


def over_softmax(by_arm: Arms, name: str, at: int) -> Sample:
    """‖A‖_F‖W_OV‖_F of an arm over that of softmax, seed by seed, at one of the measured steps."""
    return by_arm[name].entry("map_norm", at) / by_arm[SOFTMAX].entry("map_norm", at)


def rates_in_words(by_arm: Arms, name: str, other: str) -> str:
    """The rates that two arms were trained at."""
    rates = (np.nanmean(by_arm[arm].sample("rate")) if by_arm[arm].finished else np.nan for arm in (name, other))
    return "rates {:g} and {:g}".format(*rates)

"""The claims of E8: each variant is at most a margin above softmax's loss, at equal tokens and at equal CPU time."""

import numpy as np
from jaxtyping import Float

from headscope.interp.arms.arms import arms, whole_curves
from headscope.interp.arms.budgets import budget_answer, lead_by_steps
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import Verdict, mean_with_spread, noninferiority_answer, pair_with_spread
from headscope.interp.experiments.e8_mechanisms.mechanism_models import BASE

MARGIN = 0.05  # nats per token: 5 % of the perplexity, which other properties of an attention may well outweigh
WITHIN = f"at most {MARGIN} nats (5 % of the perplexity) above softmax's"
PAPER = "not a claim of its paper: asked of every variant alike"
Curves = Float[np.ndarray, "seed step"]


def judge(outcome: Outcome) -> list[Verdict]:
    """Two claims a variant; those at equal tokens come first."""
    by_arm = arms(outcome, "variant")
    others = {name: part for name, part in by_arm.items() if name != BASE}
    steps = outcome.first("steps")
    return [
        *(equal_tokens(name, by_arm[BASE], part, steps) for name, part in others.items()),
        *(equal_time(name, by_arm[BASE], part, steps) for name, part in others.items()),
    ]


def equal_tokens(variant: str, base: Outcome, own: Outcome, steps: list[int]) -> Verdict:
    """The claim after equally many tokens, at every budget."""
    loss, softmax = own.sample("validation_loss"), base.sample("validation_loss")
    lead = lead_by_steps(steps, base.sample("losses"), own.sample("losses"), -MARGIN)
    return Verdict(
        f"{variant} reaches a loss {WITHIN} after equally many tokens",
        PAPER,
        f"{pair_with_spread(loss, softmax, digits=4)} nats per token",
        budget_answer(noninferiority_answer(softmax, loss, MARGIN), lead),
        f"{variant} within {MARGIN} of softmax, tokens",
    )


def equal_time(variant: str, base: Outcome, own: Outcome, steps: list[int]) -> Verdict:
    """The claim after equal CPU time, as long as the one of the two that is done first has trained."""
    ratio = own.sample("time_over_softmax")
    softmax, losses = (whole_curves(arm.sample("losses"), len(steps)) for arm in (base, own))
    gain = gain_at_equal_time(softmax, losses, steps, ratio)
    return Verdict(
        f"{variant} reaches a loss {WITHIN} after equal CPU time",
        PAPER,
        f"{mean_with_spread(-gain)} nats above softmax's; a step takes {mean_with_spread(ratio)} times softmax's",
        noninferiority_answer(gain, np.zeros_like(gain), MARGIN),
        f"{variant} within {MARGIN} of softmax, CPU time",
    )


def gain_at_equal_time(softmax: Curves, own: Curves, steps: list[int], ratio: Sample) -> Sample:
    """Softmax's loss less an arm's after the same CPU time, seed by seed; ratio: the time of a step over softmax's.

    The time is that of the arm that is done first; where the other one stood then is read between its measured steps,
    along a line in the logarithm of the step. NaN where that is before its first measurement.
    """
    softmax_steps = steps[-1] * np.minimum(1.0, ratio)
    pairs = zip(softmax, own, softmax_steps, softmax_steps / ratio, strict=True)
    return np.array([loss_at(steps, base, at) - loss_at(steps, mine, own_at) for base, mine, at, own_at in pairs])


def loss_at(steps: list[int], losses: Float[np.ndarray, "step"], at: float) -> float:
    """The loss of a curve after some steps, step 0 left out; NaN before the first measured step."""
    return float(np.interp(np.log(at), np.log(steps[1:]), losses[1:], left=np.nan))

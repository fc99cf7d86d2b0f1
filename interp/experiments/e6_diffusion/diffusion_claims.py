"""The claims of E6: U-ViC's images are nearer to the real ones, and its denoising loss is not higher."""

import numpy as np

from headscope.interp.arms.budgets import budget_answer
from headscope.interp.arms.by_budget import at_largest_budget, budgets_of, lead_by_budgets, number_by_budget
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import (
    Verdict,
    mean_with_spread,
    measurable_answer,
    noninferiority_answer,
    pair_with_spread,
    superiority_answer,
)

MARGIN = 0.02  # of U-ViT's loss at each budget
# The margin of the distance is the one between two halves of the real images.
DRAWN = Floor(0.5, "1 − distance / distance of noise", "below it images are nearer to noise than to digits")


def judge(outcome: Outcome) -> list[Verdict]:
    """Both claims at the largest budget, the one of the loss beside all others."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    return [nearer_verdict(at_largest_budget(cog), at_largest_budget(softmax)), loss_verdict(cog, softmax)]


def nearer_verdict(cog: Outcome, softmax: Outcome) -> Verdict:
    """Whether U-ViC's images have the smaller distance."""
    floor, noise = (
        float(np.nanmean(np.concatenate([cog.sample(name), softmax.sample(name)])))
        for name in ("frechet_floor", "frechet_noise")
    )
    near, far = cog.sample("frechet"), softmax.sample("frechet")
    halves = Margin(floor, "the distance of two halves of the real images")
    return Verdict(
        "Images of U-ViC have a smaller Fréchet distance to real ones than those of U-ViT",
        "lower FID, on larger images",
        f"{pair_with_spread(near, far)} (two real halves: {floor:.3g}, noise: {noise:.3g}); "
        f"to held-out ones {mean_with_spread(cog.sample('frechet_held_out'))} against "
        f"{mean_with_spread(softmax.sample('frechet_held_out'))}",
        measurable_answer(superiority_answer(far, near, halves), [1 - near / noise, 1 - far / noise], DRAWN),
        "U-ViC's images nearer",
    )


def loss_verdict(cog: Outcome, softmax: Outcome) -> Verdict:
    """Whether U-ViC's loss is as low, at the largest budget and at all others."""
    loss, other = (number_by_budget(part, "loss") for part in (cog, softmax))
    margins = MARGIN * other.mean(0)
    lead = lead_by_budgets(budgets_of(softmax), other + margins, loss)
    return Verdict(
        f"U-ViC's denoising loss on held-out images is at most {MARGIN:.0%} above U-ViT's",
        "—",
        pair_with_spread(loss[:, -1], other[:, -1], digits=4),
        budget_answer(noninferiority_answer(other[:, -1], loss[:, -1], float(margins[-1])), lead),
        "U-ViC's loss as low",
    )

"""E13: rows of Cog disperse as those of softmax; it differs in the paths that cancel over the layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from headscope.interp.arms.arms import arm_curves, arms
from headscope.interp.arms.evidence import Sample
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    all_of,
    bound_answer,
    equivalence_answer,
    mean_with_spread,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e13_dispersing_rows.bounded_rows import (
    KERNELS,
    cancellation_by_depth,
    mean_largest_share,
)
from headscope.interp.experiments.engine.experiment import PAPER, Experiment, Watch
from headscope.interp.experiments.engine.log_slope import log_slope
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "Barbero et al. 2024 (2406.04267); Lv et al. 2024 (2411.07176)"
ALIKE = 0.05  # of a slope; equal weights have −1
MOST, DEPTH = 0.5, 6  # of all absolute paths, after so many layers
NOTHING = 1e-12  # what is 0 in double precision
SHARE = About(
    title="Largest share of a row as more keys come into view",
    unit="share of Σ|a|",
    law="mean over rows of max b, b = |a|/Σ|a|, scores uniform within ± a bound; −1 in both logarithms: equal weights",
    source=SOURCE,
    plain="How much of a row its largest weight keeps. Scores that cannot grow let it fall as one over the keys.",
)
CANCELLED = About(
    title="Path cancellation by the number of layers",
    unit="share of absolute paths",
    law="mean over tokens of 1 − |P_sgn| / P_abs towards the last token, random causal patterns with their skips",
    source="headscope",
    plain="How much of what reaches the last token is undone on the way by paths of the other sign.",
)


@dataclass(frozen=True)
class RowSize:
    """Numbers n of keys, rows of each, the bound of the scores; tokens and numbers of layers of the paths."""

    lengths: tuple[int, ...]
    rows: int
    bound: float
    tokens: int
    depths: tuple[int, ...]


SIZES = {
    "smoke": RowSize((32, 64, 128), 4, 2.0, 16, (1, 2, DEPTH)),
    "default": RowSize((32, 64, 128, 256, 512, 1024, 2048, 4096, 8192), 32, 2.0, 64, (1, 2, 3, 4, DEPTH, 8, 12)),
    "full": RowSize((32, 128, 512, 2048, 8192, 32_768), 128, 2.0, 512, (1, 2, 3, 4, DEPTH, 8, 12, 24)),
}


def trials(size: RowSize, seeds: int) -> list[Trial]:
    """Every variant on the same scores of each seed."""
    return [Trial({"variant": name}, seed) for seed in range(seeds) for name in KERNELS]


@torch.no_grad()
def measure(trial: Trial, size: RowSize, place: Place, watch: Watch) -> Numbers:
    """The largest share by n with its slope, and the cancellation by depth."""
    dice, name = torch.Generator().manual_seed(trial.seed), str(trial.condition["variant"])
    shares = [mean_largest_share(name, n, size.rows, size.bound, dice) for n in size.lengths]
    return {
        "share": shares,
        "slope": log_slope(size.lengths, shares),
        "cancellation": cancellation_by_depth(name, size.tokens, size.depths, size.bound, dice),
        "lengths": list(size.lengths),
        "depths": list(size.depths),
    }


def judge(outcome: Outcome) -> list[Verdict]:
    """Cog disperses as softmax, cancels more than half after six layers and more with every layer; softmax nothing."""
    cog, softmax = (outcome.where(variant=name) for name in ("cog", "softmax"))
    slopes = cog.sample("slope"), softmax.sample("slope")
    whole = f"over {len(KERNELS)} variants: {', '.join(slope_words(outcome, name) for name in KERNELS)}"
    dispersing = Verdict(
        f"Rows of Cog disperse at the rate of softmax: slopes no further apart than {ALIKE}",
        "—",
        f"{pair_with_spread(*slopes)}; {whole}",
        equivalence_answer(*slopes, ALIKE),
        "rows of Cog disperse as softmax's",
    )
    return [dispersing, *cancellation_verdicts(cog, softmax, outcome.first("depths"))]


def cancellation_verdicts(cog: Outcome, softmax: Outcome, depths: list[int]) -> list[Verdict]:
    """What cancels with Cog and with softmax, and that it is more with more layers."""
    cancelled, none = cog.entry("cancellation", depths.index(DEPTH)), most_cancelled(softmax)
    return [
        Verdict(
            f"With Cog more than {MOST} of all absolute paths cancel after {DEPTH} layers",
            "it resists collapse",
            mean_with_spread(cancelled),
            bound_answer(cancelled, above=MOST),
            "paths of Cog cancel",
        ),
        Verdict(
            "With softmax exactly nothing cancels, at any number of layers",
            "—",
            f"at most {none.max():.3g}",
            equivalence_answer(none, np.zeros_like(none), NOTHING),
            "no path of softmax cancels",
        ),
        Verdict(
            f"With Cog more cancels with more layers, at every step of {', '.join(map(str, depths))}",
            "—",
            ", ".join(f"{cog.entry('cancellation', at).mean():.3g}" for at in range(len(depths))),
            all_of([superiority_answer(more, less) for less, more in pairwise(entries(cog, len(depths)))]),
            "cancellation grows with layers",
        ),
    ]


def slope_words(outcome: Outcome, name: str) -> str:
    """The mean slope of a variant."""
    return f"{name} {outcome.where(variant=name).sample('slope').mean():.3g}"


def entries(outcome: Outcome, depths: int) -> list[Sample]:
    """The cancellation at every depth."""
    return [outcome.entry("cancellation", at) for at in range(depths)]


def most_cancelled(outcome: Outcome) -> Sample:
    """The largest cancellation of each seed at any depth."""
    sample = outcome.sample("cancellation")
    return sample.max(1) if sample.ndim > 1 else sample


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Shares over n, cancellation over layers."""
    by_arm = arms(outcome, "variant")
    lengths, depths = outcome.first("lengths"), outcome.first("depths")
    return {
        "share": arm_curves(by_arm, "share", lengths, SHARE, "keys n", log_x=True, log_y=True),
        "cancellation": arm_curves(by_arm, "cancellation", depths, CANCELLED, "layers"),
    }


EXPERIMENT = Experiment(
    name="E13",
    title="Do rows of Cog disperse as those of softmax, and what cancels over the layers?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Nothing is trained. Scores are uniform within ±2, so that no weight of softmax is above e⁴/n and none of "
    "Cog above e²/n; polynomial has the power 3, selective the temperature 1 + ½ ln n that its positions start with. "
    "Paths: layers of one head, each with random causal weights and the skip around it, without MLPs and "
    "values. The signs of random scores are as often negative as positive, which those of a trained model need not "
    "be. That Cog resists collapse is the claim of Lv et al.; that its rows disperse all the same follows from the "
    "bound on scores, and the cancellation of paths is what is left to differ.",
    setting=PAPER,
    seeds=20,
)

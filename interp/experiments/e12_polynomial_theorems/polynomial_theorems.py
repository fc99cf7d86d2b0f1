"""E12: softmax keeps ‖A‖_F within √N and its Jacobian within √N/2; those of s^p grow as N, so that 1/√N makes √N."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from headscope.interp.arms.arms import arm_curves, arms
from headscope.interp.arms.evidence import Answer, Sample
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import Verdict, all_of, bound_answer, equivalence_answer, mean_with_spread
from headscope.interp.experiments.e12_polynomial_theorems.random_norms import norms_of, random_scores
from headscope.interp.experiments.engine.experiment import PAPER, Experiment, Watch
from headscope.interp.experiments.engine.log_slope import log_slope
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.attention.options import Options

SOURCE = "Saratchandran et al. 2024 (2410.18613), theorems 4.1 to 4.3"
SOFTMAX, POWERS = "softmax", {1: "s", 2: "s^2", 3: "s^3"}
KERNELS: dict[str, tuple[str, Options]] = {
    SOFTMAX: ("softmax", {}),
    **{name: ("polynomial", {"power": power, "coefficient": 1.0}) for power, name in POWERS.items()},
}
ALIKE = 0.02  # of a slope
NORM = About(
    title="‖A‖_F as there are more tokens",
    unit="‖A‖_F",
    law="√ΣA² of N × N weights, scores of variance 1; softmax: at most √N",
    source=SOURCE,
    plain="How large the attention matrix is as a whole. As N: divided by √N it grows as √N.",
)
JACOBIAN = About(
    title="‖∂A/∂S‖_F as there are more tokens",
    unit="‖∂A/∂S‖_F",
    law="softmax: √Σ_rows (Σw² − 2Σw³ + (Σw²)²), at most √N/2; s^p: ‖p s^(p−1)‖_F",
    source=SOURCE,
    plain="How strongly all weights together answer to their scores.",
)


@dataclass(frozen=True)
class TheoremSize:
    """Numbers N of tokens, width of the tokens and of the head."""

    lengths: tuple[int, ...]
    d_model: int
    d_head: int


SIZES = {
    "smoke": TheoremSize((16, 32, 64), 32, 16),
    "default": TheoremSize((64, 128, 256, 512, 1024, 2048, 4096), 256, 64),
    "full": TheoremSize((64, 256, 1024, 4096, 16_384), 768, 64),
}


def trials(size: TheoremSize, seeds: int) -> list[Trial]:
    """Softmax and the powers without their factor, on the same scores of each seed."""
    return [Trial({"attention": name}, seed) for seed in range(seeds) for name in KERNELS]


@torch.no_grad()
def measure(trial: Trial, size: TheoremSize, place: Place, watch: Watch) -> Numbers:
    """Both norms at every N, their slopes, and the largest of each over softmax's bound."""
    dice = torch.Generator().manual_seed(trial.seed)
    variant, kernel = KERNELS[str(trial.condition["attention"])]
    norms = [norms_of(variant, kernel, random_scores(n, size.d_model, size.d_head, dice)) for n in size.lengths]
    root = np.sqrt(size.lengths)
    pattern, jacobian = [item.pattern for item in norms], [item.jacobian for item in norms]
    return {
        "norm": pattern,
        "jacobian": jacobian,
        "norm_slope": log_slope(size.lengths, pattern),
        "jacobian_slope": log_slope(size.lengths, jacobian),
        "norm_of_bound": float((pattern / root).max()),
        "jacobian_of_bound": float((jacobian / (root / 2)).max()),
        "lengths": list(size.lengths),
    }


def judge(outcome: Outcome) -> list[Verdict]:
    """Softmax within its bounds, powers as N, their Jacobians too; and how softmax's own norm grows."""
    by_arm = arms(outcome, "attention")
    softmax = by_arm[SOFTMAX]
    powers = [(name, by_arm[name].sample("norm_slope")) for name in POWERS.values()]
    slopes = [(name, by_arm[name].sample("jacobian_slope")) for power, name in POWERS.items() if power > 1]
    own = softmax.sample("norm_slope")
    return [
        within_verdict("‖A‖_F of softmax is within √N in every draw", softmax.sample("norm_of_bound"), "softmax ≤ √N"),
        within_verdict(
            "‖∂A/∂S‖_F of softmax is within √N/2 in every draw",
            softmax.sample("jacobian_of_bound"),
            "Jacobian of softmax ≤ √N/2",
        ),
        growth_verdict("‖s^p‖_F grows as N for p = 1, 2 and 3, so that 1/√N makes it √N", powers, "s^p grows as N"),
        growth_verdict(
            "‖∂s^p/∂s‖_F grows as N for p = 2 and 3, so that 1/√N makes it √N", slopes, "Jacobian of s^p grows as N"
        ),
        Verdict(
            "Beyond the paper: ‖A‖_F of softmax grows as its bound √N where scores have variance 1",
            "—",
            f"as N^{mean_with_spread(own)}",
            growth_answer(own, 0.5),
            "softmax grows as its bound",
        ),
    ]


def within_verdict(claim: str, of_bound: Sample, name: str) -> Verdict:
    """A claim that the largest norm of every seed, over its bound, is below 1."""
    ours = f"at most {of_bound.max():.3g} of the bound; largest of a seed: {mean_with_spread(of_bound)}"
    return Verdict(claim, "at most", ours, bound_answer(of_bound, below=1.0), name)


def growth_verdict(claim: str, slopes: list[tuple[str, Sample]], name: str) -> Verdict:
    """A claim that norms grow as N, for every power."""
    ours = ", ".join(f"{power}: N^{mean_with_spread(sample)}" for power, sample in slopes)
    return Verdict(claim, "O(N)", ours, all_of([growth_answer(sample, 1.0) for _, sample in slopes]), name)


def growth_answer(slopes: Sample, exponent: float) -> Answer:
    """Whether slopes are those of a power of N, to within what is alike."""
    return equivalence_answer(slopes, np.full_like(slopes, exponent), ALIKE)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Both norms over N."""
    by_arm, lengths = arms(outcome, "attention"), outcome.first("lengths")
    return {
        name: arm_curves(by_arm, name, lengths, about, "N", log_x=True, log_y=True)
        for name, about in {"norm": NORM, "jacobian": JACOBIAN}.items()
    }


EXPERIMENT = Experiment(
    name="E12",
    title="Do the norms of softmax and of polynomial attention grow as the theorems say?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Monte Carlo, nothing is trained: tokens, W_Q and W_K are Gaussian, new ones at every N, so that scores "
    "QKᵀ/√d have variance 1, as the theorems assume; no mask. Jacobians are those of all weights by all scores, in "
    "closed form. Slopes are least squares of logarithms over the N of the size; alike is a slope within ±.02. 'In "
    "every draw' is judged by the largest norm over its bound of each seed. The theorems give upper bounds; that "
    "softmax's own norm grows as its bound is asked besides, which no theorem says.",
    setting=PAPER,
    seeds=20,
)

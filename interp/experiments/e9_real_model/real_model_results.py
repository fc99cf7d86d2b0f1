"""What E9 draws: heads of every kind, prompts that grow, weights that are flipped, and few parameters that learn."""

from collections.abc import Mapping

import numpy as np
import torch

from headscope.interp.arms.arm_points import ArmPoints
from headscope.interp.arms.arms import (
    ArmCurves,
    ArmGrid,
    Samples,
    arm_numbers,
    mean_and_spread,
    sample_curves,
    sample_numbers,
)
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e9_real_model.few_parameters import SIDES
from headscope.interp.experiments.e9_real_model.flipped_weights import ANOTHER, EDITS, ELSEWHERE, LARGEST
from headscope.interp.experiments.e9_real_model.head_kinds import COPYING, KINDS, SINK
from headscope.interp.experiments.e9_real_model.prompt_collapse import QUESTIONS
from headscope.interp.experiments.e9_real_model.real_model_about import (
    BEST,
    BEYOND,
    COPIED,
    DISTANCES,
    FLIPPED,
    GAINED,
    HEADS_ABOVE,
    LEARNED,
    RANKED,
)
from headscope.interp.experiments.e9_real_model.real_model_claims import best_of_others
from headscope.interp.experiments.e9_real_model.real_model_trials import COLLAPSE, FLIPS, HEADS, TRAINING
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SIGNS = dict(zip(SIDES, ("τ_q", "τ_v"), strict=True))
MILLI = 1000


def results(outcome: Outcome) -> Mapping[str, Result]:
    """By name; what heads do comes first."""
    heads, flips, training = (outcome.where(part=part) for part in (HEADS, FLIPS, TRAINING))
    best = {kind: best_of_others(heads.sample(kind)) for kind in KINDS if kind not in (*COPYING, SINK)}
    best |= {f"{SINK}, mean head": heads.sample(SINK).reshape(heads.seeds, -1).mean(1)}
    copied = {kind: best_of_others(heads.sample(kind)) for kind in COPYING}
    beyond = {kind: heads.sample(f"{kind}, beyond") / heads.sample("heads") for kind in KINDS}
    gained = {f"{learned}, rate {rate:g}": part for (learned, rate), part in by_course(training).items()}
    return {
        "best_heads": sample_numbers(best, BEST, 0.0),
        "copying": sample_numbers(copied, COPIED, 0.0),
        "beyond": sample_numbers(beyond, BEYOND, 0.0),
        "heads": grid_of({kind: heads.sample(kind) for kind in KINDS}, HEADS_ABOVE),
        "growing_prompts": distances(outcome.where(part=COLLAPSE)),
        "flipped": flipped_points(flips),
        "flipped_heads": grid_of(
            {edit: MILLI * flips.sample(edit) for edit in EDITS}, RANKED, tuple(map(str, flips.first("layers")))
        ),
        "few_parameters": arm_numbers(gained, "gained", GAINED, 0.0, "nothing"),
        "temperatures": temperatures(training.where(learned="temperatures")),
    }


def by_course(training: Outcome) -> dict[tuple[str, float], Outcome]:
    """The trials of every part at every rate."""
    return {
        (str(learned), float(rate)): part
        for learned, of_part in training.split("learned")
        for rate, part in of_part.split("rate")
    }


def grid_of(samples: Samples, about: About, layers: tuple[str, ...] = ()) -> ArmGrid:
    """A number of every head, of each arm: its mean and spread over the seeds."""
    mean, spread = mean_and_spread([*samples.values()])
    rows = layers or tuple(map(str, range(mean.shape[1])))
    labels = {"arm": tuple(samples), "row": rows, "column": tuple(map(str, range(mean.shape[2])))}
    return ArmGrid(mean, spread, "layer", "head", about=about, labels=labels)


def distances(collapse: Outcome) -> ArmCurves:
    """D(n) of both questions, each beside that of unrelated prompts."""
    samples = {
        f"{name}{words}": collapse.where(question=name).sample(f"{kind}distance")
        for name in QUESTIONS
        for kind, words in (("", ""), ("unrelated ", ", unrelated"))
    }
    return sample_curves(samples, collapse.first("n"), DISTANCES, "n", log_x=True, log_y=True)


def flipped_points(flips: Outcome) -> ArmPoints:
    """Every head's largest weights flipped, against both other edits; means over the seeds."""
    others = {ANOTHER: "a random weight", ELSEWHERE: "an equal change elsewhere"}
    x = torch.tensor(np.stack([flips.sample(edit).mean(0).ravel() for edit in others])).float()
    y = torch.tensor(flips.sample(LARGEST).mean(0).ravel()).float().expand_as(x)
    titles = "change of loss by the other edit, nats", "by the largest weights flipped, nats"
    return ArmPoints(x, y, *titles, about=FLIPPED, labels={"arm": tuple(others.values())})


def temperatures(training: Outcome) -> ArmCurves:
    """The norms of what was learned, by layer, of either side and rate."""
    samples = {
        f"{SIGNS[side]}, rate {rate:g}": part.sample(f"{side}_norm")
        for rate, part in training.split("rate")
        for side in SIDES
    }
    layers = range(len(training.first(f"{SIDES[0]}_norm")))
    return sample_curves(samples, layers, LEARNED, "layer")

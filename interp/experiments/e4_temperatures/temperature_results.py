"""What E4 draws: losses and rows on every task, the temperatures that were learned, and the tempered models."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from headscope.interp.arms.arms import (
    ArmCurves,
    ArmNumbers,
    arm_curves,
    arm_numbers,
    arms,
    sample_curves,
    seed_names,
)
from headscope.interp.arms.outcome import Outcome
from headscope.interp.experiments.e4_temperatures.temperature_trials import TASKS
from headscope.interp.experiments.e4_temperatures.tempering_results import tempering_results
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "Zhang et al. 2024 (2411.12892)"
SIGNS = {"query": "τ_q", "value": "τ_v"}
SAYING = ("tokens of a class", "noise")
EXCESS = About(
    title="Loss above the least possible",
    unit="nats per answer",
    law="mean −log p(answer) less that of the best predictor there can be, on held-out examples",
    source="headscope",
    plain="How much worse each model predicts than whoever knows how the task was made; lower is better.",
)
NOISE = About(
    title="Share of what the first layer moves that comes from noise",
    unit="share",
    law="mean over queries of Σ abs(c) over noise keys, c the contribution weights of all heads",
    source="headscope",
    plain="How much of what the heads write comes from tokens that say nothing.",
)
SLOPE = About(
    title="How rows widen with what their query calls for",
    unit="1",
    law="d ln participation / d ln(neighbours of the query's token), participation 1/Σb², mean over heads",
    source="headscope",
    plain="0 where every row is equally wide, 1 where a row for twice as many neighbours is twice as wide.",
)
FOUND = replace(EXCESS, title="Passkeys found", unit="share", law="share of questions answered by the key", plain="")
MAX_B = About(
    title="Largest weight of the sharpest head at the question",
    unit="share of Σ abs(a)",
    law="mean over rows of max over heads and keys of b = abs(a)/Σ abs(a)",
    source=SOURCE,
    plain="How well the sharpest head keeps its focus as there is more filler.",
)
SPIKINESS = replace(
    MAX_B, title="Spikiness at the question", unit="1", law="1/(nΣb²), mean over heads", plain="1 for equal weights."
)
TAU = About(
    title="Learned temperatures",
    unit="factor",
    law="mean τ of the tokens of a kind; τ_q multiplies a query's scores, τ_v a token's value",
    source=SOURCE,
    plain="How sharply tokens of a kind attend, or how loudly they are heard.",
)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """By name; the first is the one that matters most."""
    result = {task: arms(outcome.where(task=task), "variant") for task in TASKS}
    lengths = outcome.where(task="passkeys").first("lengths")
    curves = {"found": FOUND, "max_b": MAX_B, "spikiness": SPIKINESS}
    noise = arm_numbers(result["denoising"], "noise_share", NOISE, TASKS["denoising"].noise, "share of the tokens")
    return {
        **{
            task: arm_numbers(result[task], "excess", replace(EXCESS, title=f"{EXCESS.title}: {task}"))
            for task in TASKS
        },
        "noise_share": noise,
        "slope": arm_numbers(result["neighbours"], "slope", SLOPE),
        **{
            name: arm_curves(result["passkeys"], name, lengths, about, "n", log_x=True)
            for name, about in curves.items()
        },
        "temperatures_by_neighbours": temperatures_by_neighbours(result["neighbours"]["selective"]),
        "temperatures_of_noise": temperatures_of_noise(result["denoising"]["selective"]),
        **tempering_results(outcome.where(task="tempering")),
    }


def temperatures_by_neighbours(outcome: Outcome) -> ArmCurves:
    """A line for each layer and side, over the number of neighbours of a token."""
    sides = {side: outcome.sample(f"tau_{side}") for side in ("query", "value")}
    layers = {
        f"{SIGNS[side]}, layer {at}": sample[:, at] for side, sample in sides.items() for at in range(sample.shape[1])
    }
    about = replace(TAU, title=f"{TAU.title}: by a token's neighbours")
    return sample_curves(layers, tuple(TASKS["neighbours"].degrees), about, "neighbours", log_x=True)


def temperatures_of_noise(outcome: Outcome) -> ArmNumbers:
    """τ_v of each layer for the tokens of a class and for noise, a number per seed."""
    sample = outcome.sample("tau_value")
    value = torch.tensor(sample).permute(1, 2, 0).flatten(0, 1)
    names = tuple(f"layer {at}: {kind}" for at in range(sample.shape[1]) for kind in SAYING)
    about = replace(TAU, title=f"{TAU.title}: τ_v of noise")
    return ArmNumbers(value, about=about, labels={"arm": names, "seed": seed_names(len(sample))})

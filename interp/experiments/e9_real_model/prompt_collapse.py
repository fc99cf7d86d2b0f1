"""Prompt collapse: D(n) of two growing prompts behind a passage, beside unrelated prompts, and their log-log slopes."""

from headscope.interp.arms.trial import Numbers
from headscope.interp.collapse.curves import CollapseCurves, collapse
from headscope.interp.experiments.e2_growing_prompts.growing_prompts import DISTANCE, QUESTIONS
from headscope.interp.experiments.e9_real_model.held_out_text import passage
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.experiments.engine.log_slope import log_slope
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of


def measure_collapse(model: HookedModel, name: str, seed: int, size: RealModelSize, watch: Watch) -> Numbers:
    """n, D(n) and that of unrelated prompts after the final norm, and both slopes; of the question behind a passage."""
    pairs, question = QUESTIONS[name]
    tokenizer = tokenizer_of(model)
    assert tokenizer is not None  # few_parameters refuses a model without one
    before = tokenizer.decode(list(passage(model, seed, size, size.before + 1).ids[1:]))
    asked = pairs(tokenizer, size.lengths, f"{before}\n{question}")

    def count(done: int, total: int) -> None:
        watch(f"{name}, seed {seed}", done, total)

    return curve_numbers(collapse(model, asked, samples=size.samples, seed=seed, watch=count))


def curve_numbers(curves: CollapseCurves) -> Numbers:
    """The two curves and their slopes."""
    at = curves.labels["distance"].index(DISTANCE)
    numbers: Numbers = {"n": list(curves.lengths)}
    for name, distance in {"": curves.distance, "unrelated ": curves.distance_null}.items():
        numbers[f"{name}distance"] = distance[at, -1].tolist()
        numbers[f"{name}slope"] = distance_slope(curves.lengths, distance[at, -1].tolist())
    return numbers


def distance_slope(n: tuple[int, ...], distance: list[float]) -> float:
    """d ln D / d ln n over all n; NaN where a distance is 0."""
    return log_slope(n, distance) if min(distance) > 0 else float("nan")

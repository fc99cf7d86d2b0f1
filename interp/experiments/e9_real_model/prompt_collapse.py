"""Prompt collapse: D(n) of two growing prompts behind a passage, beside unrelated prompts, and their log-log slopes."""

from headscope.interp.arms.trial import Numbers
from headscope.interp.collapse.curves import collapse
from headscope.interp.collapse.pairs import COUNT_ONES, FIND_A_ZERO, count_ones, find_a_zero
from headscope.interp.experiments.e2_growing_prompts.distance_curves import curve_numbers
from headscope.interp.experiments.e9_real_model.held_out_text import passage
from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.experiments.engine.experiment import Watch
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of

QUESTIONS = {"count_ones": (count_ones, COUNT_ONES), "find_a_zero": (find_a_zero, FIND_A_ZERO)}


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

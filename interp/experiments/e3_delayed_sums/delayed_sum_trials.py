"""Trials of E3: every variant on every cell (N, τ), by whole cycles, and the recipe of a training."""

from dataclasses import asdict

from headscope.interp.arms.trial import Trial
from headscope.interp.experiments.e3_delayed_sums.delayed_sum_sizes import SequenceSize, Tuning
from headscope.interp.experiments.e3_delayed_sums.task_models import SAVED, SPECS, decoder_fields
from headscope.models.data.tasks.delayed_sum_windows import DelayedSums
from headscope.models.data.tasks.delayed_sums import DelayedSum
from headscope.models.training.recipe import Recipe


def trials(size: SequenceSize, seeds: int) -> list[Trial]:
    """Every variant with every seed on every cell; a seed is finished before the next one begins."""
    return [
        Trial({"variant": variant, "cell": cell}, seed)
        for seed in range(seeds)
        for cell in size.laws
        for variant in SPECS
    ]


def delayed_sums(law: DelayedSum, size: SequenceSize, part: str) -> DelayedSums:
    """The windows of a law, measured on a part of its held-out cycles, in the symbols that all models know."""
    return DelayedSums(((law.N, law.tau),), size.length, size.measured, size.symbols, part)


def sequence_recipe(
    variant: str, law: DelayedSum, tuning: Tuning, *, seed: int, part: str, size: SequenceSize
) -> Recipe:
    """The recipe of a training: that of every variant but for its attention and its tuning."""
    shape = decoder_fields(size.d_model, size.layers, size.heads, size.length)
    return Recipe(
        model={**shape, "initializer_range": tuning.deviation},
        data={"source": "delayed_sums", **asdict(delayed_sums(law, size, part))},
        attention=SPECS[variant].to_json(),
        steps=size.steps,
        batch=size.batch,
        seed=seed,
        lr=tuning.rate,
        warmup=min(100, size.steps // 5),
        measure_every=size.measure_every,
        save_every=SAVED,
        snapshots=0,
    )

"""Training a model from its recipe to the end, with snapshots on the way."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn

from headscope.models.checkpoints import save
from headscope.models.fitting.fit import fit, watch_no_record
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Measure, measure_nothing
from headscope.models.fitting.sole import sole_training
from headscope.models.training.recipe import Recipe
from headscope.models.training.run import Run, open_run, sign
from headscope.models.training.snapshots import snapshot_folder, snapshot_steps


def train(
    recipe: Recipe, folder: Path, watch: Callable[[Record], None] = watch_no_record, *, more: Measure = measure_nothing
) -> None:
    """Train from where the folder's run stands to the end; the finished model is the folder itself.

    `watch` is called in the main process with each line of the history. more: what is measured besides what the data
    measures.
    """
    run = open_run(recipe, folder, more)
    accelerator = run.fitting.accelerator
    with sole_training(folder, main=accelerator.is_main_process):
        if accelerator.is_main_process:
            sign(run)
        model = fit(run.fitting, watch, partial(keep_snapshot, run))
        if accelerator.is_main_process:
            save(model, folder, tokenizer=run.material.tokenizer)
        accelerator.wait_for_everyone()
    accelerator.end_training()


def keep_snapshot(run: Run, model: nn.Module, step: int) -> None:
    """Save the model of a step whose snapshot is due."""
    if step in snapshot_steps(run.recipe.steps, run.recipe.snapshots):
        save(model, snapshot_folder(run.folder, step), tokenizer=run.material.tokenizer)

"""The training loop: updates, measurements, snapshots, saved states."""

import math
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import torch

from models import save
from models.training.batches import share, training_batch
from models.training.history import Record, append_record
from models.training.loss import next_token_loss, validation_loss
from models.training.recipe import Recipe
from models.training.run import Run, open_run, resume, save_run, sign
from models.training.schedule import learning_rate
from models.training.snapshots import snapshot_folder, snapshot_steps
from models.training.sole import sole_training


def train(recipe: Recipe, folder: Path, watch: Callable[[Record], None] = lambda record: None) -> None:
    """Train from where the folder's run stands to the end; the finished model is the folder itself.

    `watch` is called in the main process with each line of the history.
    """
    run = open_run(recipe, folder)
    main = run.accelerator.is_main_process
    with sole_training(folder, main=main):
        if main:
            sign(run)
        _train_to_the_end(run, watch)
    run.accelerator.end_training()


def _train_to_the_end(run: Run, watch: Callable[[Record], None]) -> None:
    step, seconds = resume(run)
    began = monotonic() - seconds
    if step == 0:
        _after_step(run, 0, began, {}, watch)
    while step < run.recipe.steps:
        measured = update(run, step)
        step += 1
        _after_step(run, step, began, measured, watch)
    if run.accelerator.is_main_process:
        save(run.accelerator.unwrap_model(run.model), run.folder, tokenizer=run.corpus.tokenizer)
    run.accelerator.wait_for_everyone()


def update(run: Run, step: int) -> Record:
    """One optimizer step on global batch number `step`: the loss before it and the rate, equal on all processes."""
    recipe, accelerator = run.recipe, run.accelerator
    rate = learning_rate(recipe.schedule, step, peak=recipe.lr, warmup=recipe.warmup, steps=recipe.steps)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    torch.manual_seed(step_seed(recipe.seed, step, accelerator.process_index))
    windows = training_batch(
        run.corpus.training,
        seed=recipe.seed,
        step=step,
        batch=recipe.batch,
        context=recipe.context,
        bos=run.corpus.bos,
    )
    mine = windows.split(share(recipe.batch, accelerator.num_processes))[accelerator.process_index]
    loss = next_token_loss(run.model, mine.to(accelerator.device))
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(run.model.parameters(), recipe.clip)
    run.optimizer.step()
    run.optimizer.zero_grad()
    mean = torch.as_tensor(accelerator.reduce(loss.detach(), "mean")).item()
    if not math.isfinite(mean):
        raise FloatingPointError(f"the loss of step {step} is {mean}; lower lr (now {recipe.lr}) or raise warmup")
    return {"loss": round(mean, 6), "lr": rate}


def step_seed(seed: int, step: int, process: int) -> int:
    """The seed of dropout in one step of one process, so that no random state has to be saved."""
    return int(np.random.SeedSequence([seed, step, process]).generate_state(1, np.uint64)[0])


def _after_step(run: Run, step: int, began: float, measured: Record, watch: Callable[[Record], None]) -> None:
    """What follows a step: the validation, the snapshot, the lines of history and the saved state that are due."""
    recipe, main = run.recipe, run.accelerator.is_main_process
    last = step == recipe.steps
    if step % recipe.validate_every == 0 or last:
        measured = measured | {
            "validation_loss": round(validation_loss(run.accelerator, run.model, run.corpus, recipe), 6)
        }
    if main and step in snapshot_steps(recipe.steps, recipe.snapshots):
        model = run.accelerator.unwrap_model(run.model)
        save(model, snapshot_folder(run.folder, step), tokenizer=run.corpus.tokenizer)
    if main:
        seconds = monotonic() - began
        tokens = step * recipe.batch * recipe.context
        record = {"step": step, "tokens": tokens, "seconds": round(seconds, 2)} | measured
        append_record(run.history, record)
        watch(record)
        if step % recipe.save_every == 0 or last:
            save_run(run, step, seconds)

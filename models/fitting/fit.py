"""Fit: updates, measurements, snapshots and saved states, from where a folder's training stands to its end."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from headscope.models.fitting.history import Record, append_record, cut_history
from headscope.models.fitting.objective import Objective, part_of
from headscope.models.fitting.optimizer import adamw
from headscope.models.fitting.plan import Plan
from headscope.models.fitting.schedule import learning_rate
from headscope.models.fitting.state import State, load_state, save_state, unusable_state
from headscope.models.fitting.stopping import stop_on_interrupt
from headscope.models.io.extras import extra_library

if TYPE_CHECKING:
    from accelerate import Accelerator

MIXED_PRECISION = {"float32": "no", "bfloat16": "bf16"}


def watch_no_record(record: Record) -> None:
    """Watches nothing."""


@dataclass(frozen=True)
class Fitting:
    """A training under way in its folder; model and optimizer are accelerate's."""

    plan: Plan
    objective: Objective
    folder: Path
    accelerator: "Accelerator"
    model: nn.Module
    optimizer: Optimizer

    @property
    def history(self) -> Path:
        """What was measured, a line a step."""
        return self.folder / "history.jsonl"

    @property
    def plain_model(self) -> nn.Module:
        """The model without what accelerate put around it."""
        return self.accelerator.unwrap_model(self.model)


def accelerator_of(precision: str, *, on_cpu: bool = False) -> "Accelerator":
    """The devices that there are, or the CPU alone. Raises ValueError where accelerate is not installed."""
    accelerate = extra_library("accelerate", "training", "train")
    # Without cpu=True accelerate starts several processes on a CPU as strangers, each with the whole batch.
    cpu = on_cpu or not torch.accelerator.is_available()
    return accelerate.Accelerator(cpu=cpu, mixed_precision=MIXED_PRECISION[precision])


def fitting_of(
    model: nn.Module, objective: Objective, plan: Plan, folder: Path, accelerator: "Accelerator | None" = None
) -> Fitting:
    """A training of the model in a folder, which is made where it is not there."""
    accelerator = accelerator or accelerator_of(plan.precision)
    model, optimizer = accelerator.prepare(model, adamw(model, plan))
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
    return Fitting(plan, objective, folder, accelerator, model, optimizer)


def fit(
    fitting: Fitting,
    watch: Callable[[Record], None] = watch_no_record,
    keep: Callable[[nn.Module, int], None] = lambda model, step: None,
) -> nn.Module:
    """Train to the end of the plan and give the plain model.

    watch is called in the main process with each line of the history, keep with the plain model after each step,
    before that step's line is written. Ctrl+C saves the state after the step under way and raises KeyboardInterrupt.
    """
    step, seconds = resume(fitting)
    began = monotonic() - seconds
    fitting.model.train()  # a model that was opened is in eval mode until then
    with stop_on_interrupt() as stop:
        if step == 0:
            _after_step(fitting, 0, began, {}, watch, keep)
        while step < fitting.plan.steps:
            measured = update(fitting, step)
            step += 1
            _after_step(fitting, step, began, measured, watch, keep)
            if stop.is_asked:
                if fitting.accelerator.is_main_process:
                    save_fitting(fitting, step, monotonic() - began)
                raise KeyboardInterrupt(f"stopped after step {step} of {fitting.plan.steps}")
    return fitting.plain_model


def update(fitting: Fitting, step: int) -> Record:
    """One optimizer step on global batch number `step`: the loss before it and the rate, equal on all processes."""
    plan, accelerator = fitting.plan, fitting.accelerator
    rate = learning_rate(plan.schedule, step, peak=plan.lr, warmup=plan.warmup, steps=plan.steps)
    for group in fitting.optimizer.param_groups:
        group["lr"] = rate
    torch.manual_seed(step_seed(plan.seed, step, accelerator.process_index))
    mine = part_of(fitting.objective.batch(step), accelerator.num_processes, accelerator.process_index)
    loss = fitting.objective.loss(fitting.model, {name: entry.to(accelerator.device) for name, entry in mine.items()})
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(fitting.model.parameters(), plan.clip)
    fitting.optimizer.step()
    fitting.optimizer.zero_grad()
    mean = torch.as_tensor(accelerator.reduce(loss.detach(), "mean")).item()
    if not math.isfinite(mean):
        raise FloatingPointError(f"the loss of step {step} is {mean}; lower lr (now {plan.lr}) or raise warmup")
    return {"loss": round(mean, 6), "lr": rate}


def step_seed(seed: int, step: int, process: int) -> int:
    """The seed of dropout in one step of one process, so that no random state has to be saved."""
    return int(np.random.SeedSequence([seed, step, process]).generate_state(1, np.uint64)[0])


def resume(fitting: Fitting) -> tuple[int, float]:
    """Put the saved state into the training; the finished steps and the seconds they took, or zeros for a new one."""
    path = fitting.folder / "state.pt"
    step, seconds = 0, 0.0
    if path.exists():
        state = load_state(path)
        with unusable_state(path):
            fitting.plain_model.load_state_dict(state.model)
            fitting.optimizer.load_state_dict(state.optimizer)
            step, seconds = int(state.step), float(state.seconds)
    if fitting.accelerator.is_main_process:
        cut_history(fitting.history, step or -1)  # step 0 is measured again
    return step, seconds


def save_fitting(fitting: Fitting, step: int, seconds: float) -> None:
    """Save the state after `step` steps."""
    weights, moments = fitting.plain_model.state_dict(), fitting.optimizer.state_dict()
    save_state(State(step, seconds, weights, moments), fitting.folder / "state.pt")


def measured_by(fitting: Fitting) -> Record:
    """What the objective measures of the model now, without dropout."""
    fitting.model.eval()
    result = fitting.objective.measure(fitting.accelerator, fitting.plain_model)
    fitting.model.train()
    return {name: round(value, 6) for name, value in result.items()}


def _after_step(
    fitting: Fitting,
    step: int,
    began: float,
    measured: Record,
    watch: Callable[[Record], None],
    keep: Callable[[nn.Module, int], None],
) -> None:
    """What follows a step: the measurement, the snapshot, the line of history and the saved state that are due."""
    plan, main = fitting.plan, fitting.accelerator.is_main_process
    last = step == plan.steps
    if step % plan.measure_every == 0 or last:
        measured = measured | measured_by(fitting)
    if not main:
        return
    keep(fitting.plain_model, step)
    seconds = monotonic() - began
    counted = {fitting.objective.unit: step * fitting.objective.per_step}
    record = {"step": step, **counted, "seconds": round(seconds, 2)} | measured
    append_record(fitting.history, record)
    watch(record)
    if step % plan.save_every == 0 or last:
        save_fitting(fitting, step, seconds)

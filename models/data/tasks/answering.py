"""Answering: the loss of a model on what its examples ask, and how much of it could have been avoided."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.examples import UNASKED, Examples, Task
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Batch, Objective
from headscope.models.hosts.execution_device import execution_device

if TYPE_CHECKING:
    from accelerate import Accelerator

HELD_OUT = 2**32 - 1  # the seed of examples that are measured, and of none that is trained on


@dataclass(frozen=True)
class Answers:
    """Means over all that is asked: −log p in nats, its excess over the least possible, share answered right."""

    loss: float
    excess: float
    accuracy: float


def answer_loss(logits: Float[Tensor, "example pos vocab"], targets: Int64[Tensor, "example pos"]) -> Float[Tensor, ""]:
    """Mean nats per answer."""
    return cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=UNASKED)


@torch.no_grad()
def answers(model: nn.Module, examples: Examples) -> Answers:
    """What a model answers to the examples, where its weights are; it is in eval mode."""
    device = execution_device(model)
    logits = model(input_ids=examples.ids.to(device), use_cache=False).logits.float().cpu()
    loss = answer_loss(logits, examples.targets).item()
    questions = examples.questions
    right = logits.argmax(-1)[questions] == examples.targets[questions]
    return Answers(loss, loss - examples.floor[questions].mean().item(), right.double().mean().item())


def held_out_examples(task: Task, count: int) -> Examples:
    """The same examples for every model and seed."""
    return task(np.random.default_rng([HELD_OUT]), count)


def task_objective(task: Task, measured: Examples, seed: int, batch: int) -> Objective:
    """Fresh examples of the task in every step; measured on those given."""

    def batch_of(step: int) -> Batch:
        drawn = task(np.random.default_rng([seed, step]), batch)
        return {"ids": drawn.ids, "targets": drawn.targets}

    def measure(accelerator: "Accelerator", model: nn.Module) -> Record:
        result = asdict(answers(model, measured))
        return {"validation_loss": result.pop("loss"), **result}

    def loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
        return answer_loss(model(input_ids=batch["ids"], use_cache=False).logits, batch["targets"])

    return Objective(batch_of, loss, measure, per_step=batch)

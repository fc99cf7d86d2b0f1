"""Classifying: the objective of a model of digits, to tell which one an image shows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.images.digits import LabelledImages, digit_fields, digits
from headscope.models.data.material import Material
from headscope.models.fitting.fit import step_seed
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Batch, Objective
from headscope.models.hosts.execution_device import execution_device

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class DigitImages:
    """Scikit-learn's handwritten digits and their classes; there is nothing to choose."""


def digits_material(data: DigitImages, batch: int, seed: int) -> Material:
    """`batch` images in a step."""
    return Material(classifying_objective(batch, seed), digit_fields())


def classifying_objective(batch: int, seed: int) -> Objective:
    """Digits drawn by seed and step, their cross entropy, and loss and accuracy on those held out."""
    split = digits()

    def batch_of(step: int) -> Batch:
        dice = torch.Generator().manual_seed(step_seed(seed, step, 0))
        places = torch.randint(len(split.training), (batch,), generator=dice)
        return {"images": split.training.images[places], "labels": split.training.labels[places]}

    def measure(accelerator: "Accelerator", model: nn.Module) -> Record:
        return loss_and_accuracy(model, labelled_batch(split.validation, model))

    return Objective(batch_of, classification_loss, measure, unit="images", per_step=batch)


def labelled_batch(data: LabelledImages, model: nn.Module) -> Batch:
    """Images and labels where the model's weights are."""
    device = execution_device(model)
    return {"images": data.images.to(device), "labels": data.labels.to(device)}


def classification_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Mean nats of the right classes."""
    return cross_entropy(model(pixel_values=batch["images"]).logits.float(), batch["labels"])


@torch.no_grad()
def loss_and_accuracy(model: nn.Module, held_out: Batch) -> Record:
    """Loss, and share of the images whose likeliest class is the right one."""
    logits = model(pixel_values=held_out["images"]).logits
    accuracy = (logits.argmax(-1) == held_out["labels"]).float().mean().item()
    return {"accuracy": accuracy, "validation_loss": cross_entropy(logits, held_out["labels"]).item()}

"""Classifying: the objective of a model of digits, to tell which one an image shows."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.images.digits import (
    SIZE,
    TRAINING,
    VALIDATION,
    Digits,
    LabelledImages,
    digit_fields,
    digits,
    image_subset,
)
from headscope.models.data.images.picture import resized_images
from headscope.models.data.material import Material
from headscope.models.fitting.fit import step_seed
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Batch, Objective
from headscope.models.hosts.execution_device import execution_device
from headscope.models.io.plain_record import refuse_unknown_choice

if TYPE_CHECKING:
    from accelerate import Accelerator


MOST_SIDE = 64
HELD_OUT = {
    "all": range(VALIDATION),
    "first half": range(VALIDATION // 2),
    "second half": range(VALIDATION // 2, VALIDATION),
}


@dataclass(frozen=True)
class DigitImages:
    """Scikit-learn's handwritten digits and their classes.

    side: pixels of an image's side, resized where it is not 8. images: how many are trained on, the first of the
    training part. held_out: which of those held out are measured, of HELD_OUT.
    """

    side: int = SIZE
    images: int = TRAINING
    held_out: str = "all"

    def __post_init__(self) -> None:
        refuse_unknown_choice("held_out", self.held_out, HELD_OUT)
        for name, most in (("side", MOST_SIDE), ("images", TRAINING)):
            if (value := getattr(self, name)) > most:
                raise ValueError(f"recipe field 'data.{name}' is {value}; it must be at most {most}")


def digits_material(data: DigitImages, batch: int, seed: int) -> Material:
    """`batch` images in a step."""
    return Material(classifying_objective(digit_split(data), batch, seed), digit_fields(data.side))


def digit_split(data: DigitImages) -> Digits:
    """The images to train on and those to measure."""
    whole = digits()
    training = image_subset(whole.training, torch.arange(data.images))
    validation = image_subset(whole.validation, torch.tensor(HELD_OUT[data.held_out]))
    return Digits(training=resized_digits(training, data.side), validation=resized_digits(validation, data.side))


def resized_digits(data: LabelledImages, side: int) -> LabelledImages:
    """The same images with a side of so many pixels."""
    return replace(data, images=resized_images(data.images, (side, side)))


def classifying_objective(split: Digits, batch: int, seed: int) -> Objective:
    """Digits drawn by seed and step, their cross entropy, and loss and accuracy on those held out."""

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

"""Digits: scikit-learn's 1 797 handwritten digits (UCI, 8 × 8 grey pixels), split once into training and validation."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

SPLIT_SEED = 0
VALIDATION = 360  # a fifth
CLASSES = 10
SIZE = 8


@dataclass(frozen=True)
class LabelledImages:
    """Images between -1 (paper) and 1 (ink), the digit that each shows, and its number in scikit-learn's order."""

    images: Float[Tensor, "image 1 8 8"]
    labels: Int[Tensor, "image"]
    numbers: Int[Tensor, "image"]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Digits:
    """A fixed split: every image is in one of both parts, the same on every machine."""

    training: LabelledImages
    validation: LabelledImages


def digits() -> Digits:
    """All digits, split."""
    whole = all_digits()
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(SPLIT_SEED))
    return Digits(training=image_subset(whole, order[VALIDATION:]), validation=image_subset(whole, order[:VALIDATION]))


def digit_fields() -> dict[str, object]:
    """The fields of a model's config that the digits decide."""
    names = {digit: str(digit) for digit in range(CLASSES)}
    labels = {"id2label": names, "label2id": {name: digit for digit, name in names.items()}}
    return {"image_size": SIZE, "num_channels": 1, **labels}


def all_digits() -> LabelledImages:
    """All digits in scikit-learn's order; nothing is downloaded."""
    from sklearn.datasets import load_digits  # a second of import

    result: Any = load_digits()
    images = torch.tensor(result["images"], dtype=torch.float32)[:, None] / 8 - 1
    return LabelledImages(images, torch.tensor(result["target"], dtype=torch.int64), torch.arange(len(images)))


def image_subset(whole: LabelledImages, places: Int[Tensor, "chosen"]) -> LabelledImages:
    """Some of the images."""
    return LabelledImages(whole.images[places], whole.labels[places], whole.numbers[places])

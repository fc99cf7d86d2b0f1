"""Digits: scikit-learn's 1 797 handwritten digits (8 × 8 grey pixels), split once into training and validation.

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, CC BY 4.0,
https://doi.org/10.24432/C50P49: the part that scikit-learn ships, in digits.npz.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

FILE = Path(__file__).with_name("digits.npz")
SPLIT_SEED = 0
VALIDATION = 360  # a fifth
TRAINING = 1437
CLASSES = 10
SIZE = 8


@dataclass(frozen=True)
class LabelledImages:
    """Images between -1 (paper) and 1 (ink), the digit that each shows, and its number in scikit-learn's order."""

    images: Float[Tensor, "image 1 side side"]
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


def digit_fields(side: int = SIZE) -> dict[str, object]:
    """The fields of a model's config that the digits decide; side: of the images, in pixels."""
    names = {digit: str(digit) for digit in range(CLASSES)}
    labels = {"id2label": names, "label2id": {name: digit for digit, name in names.items()}}
    return {"image_size": side, "num_channels": 1, **labels}


def all_digits() -> LabelledImages:
    """All digits in scikit-learn's order; nothing is downloaded."""
    with np.load(FILE, allow_pickle=False) as stored:
        inked, labels = (torch.from_numpy(stored[name]) for name in ("images", "labels"))
    return LabelledImages(inked[:, None] / 8 - 1, labels.long(), torch.arange(len(inked)))


def image_subset(whole: LabelledImages, places: Int[Tensor, "chosen"]) -> LabelledImages:
    """Some of the images."""
    return LabelledImages(whole.images[places], whole.labels[places], whole.numbers[places])

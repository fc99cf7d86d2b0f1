"""Image prompt: one image as a vision transformer reads it, with a name for each of its tokens."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedConfig

from headscope.interp.reading.next_tokens import NextTokens, class_predictions
from headscope.models.hosts.modality import IMAGE, Modality
from headscope.models.hosts.words import PATCH_WORDS, Words
from headscope.models.io.fields import Fields
from headscope.models.seam.input_sizes import CLASS_TOKEN, leading_tokens, patch_grid, two_sides


@dataclass(frozen=True, eq=False)
class ImagePrompt:
    """Pixels as the model takes them, the rows and columns of patches that it makes of them, and what it is called.

    label: the number of the class that it shows, where that is known. shown: the pixels between -1 (black) and 1 where
    the model reads them normalised in another way. leading: the tokens before the patches, the class token first where
    there is one. read_out: the token whose residual becomes logits. Its patches stand in a plane (is_ordered), and the
    model answers once (answers_by_position).
    """

    pixels: Float[Tensor, "channel row column"]
    grid: tuple[int, int]
    name: str
    label: int | None = None
    shown: Float[Tensor, "channel row column"] | None = None
    leading: tuple[str, ...] = (CLASS_TOKEN,)
    modality: ClassVar[Modality] = IMAGE
    unknown_answer: ClassVar[str] = "What the image shows is not known."
    is_ordered: ClassVar[bool] = False
    is_continued: ClassVar[bool] = False
    answers_by_position: ClassVar[bool] = False

    @property
    def text(self) -> str:
        """What it is called."""
        return self.name

    @property
    def shown_pixels(self) -> Float[Tensor, "channel row column"]:
        """The pixels between -1 (black) and 1."""
        return self.pixels if self.shown is None else self.shown

    @property
    def words(self) -> Words:
        """What sentences call it and its parts."""
        return IMAGE.words if CLASS_TOKEN in self.leading else PATCH_WORDS

    @property
    def read_out(self) -> int:
        """The class token, or the last patch where there is none."""
        return 0 if CLASS_TOKEN in self.leading else -1

    @property
    def known_answers(self) -> tuple[int, ...]:
        """Its class, where that is known."""
        return () if self.label is None else (self.label,)

    def tensor(self, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "channel row column"]:
        """As the model takes it."""
        return self.pixels.to(device, dtype)

    def predictions(self, logits: Float[Tensor, "1 class"], count: int) -> NextTokens:
        """The likeliest classes."""
        return class_predictions(logits, self.label, count)

    @property
    def strings(self) -> tuple[str, ...]:
        """The tokens before the patches, and these, from the upper left one to the right and down."""
        return (*self.leading, *patch_names(self.grid))

    def __len__(self) -> int:
        return self.grid[0] * self.grid[1] + len(self.leading)

    def to_json(self) -> Fields:
        """What the image is called, and its tokens."""
        return {"image": self.name, "label": self.label, "tokens": list(self.strings)}


def patch_names(grid: tuple[int, int]) -> tuple[str, ...]:
    """r0c0, r0c1, …"""
    rows, columns = grid
    return tuple(f"r{row}c{column}" for row in range(rows) for column in range(columns))


def image_prompt(
    pixels: Float[Tensor, "channel row column"],
    config: PreTrainedConfig,
    name: str = "an image",
    label: int | None = None,
) -> ImagePrompt:
    """An image for the model of a transformers config. Raises ValueError for one of another size."""
    wanted = (config.num_channels, *two_sides(config.image_size))
    if tuple(pixels.shape) != wanted:
        raise ValueError(
            f"this model reads images of {' × '.join(map(str, wanted))} (channel, row, column); "
            f"{name} has {' × '.join(map(str, pixels.shape))}"
        )
    if not bool(pixels.isfinite().all()):
        raise ValueError(f"{name} has pixels that are no finite numbers")
    return ImagePrompt(pixels.float(), patch_grid(config), name, label, leading=leading_tokens(config))

"""Processed picture: what the image processor of a model's own folder makes of a picture, sizes and colours."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from headscope.models.data.images.picture import picture_mode
from headscope.models.seam.input_sizes import two_sides

GREY = 128


@dataclass(frozen=True)
class ProcessedPicture:
    """The pixels that the model reads, and the same before they were normalised, between -1 (black) and 1 (white)."""

    pixels: Float[Tensor, "channel row column"]
    shown: Float[Tensor, "channel row column"]


def processor_of(model: PreTrainedModel) -> BaseImageProcessor | None:
    """The image processor that a transformers model was opened with, or None where its folder has none."""
    return getattr(model, "picture_processor", None)


def processed_picture(image: Image.Image, config: PreTrainedConfig, processor: BaseImageProcessor) -> ProcessedPicture:
    """As transformers' own processor makes it. Raises ValueError where that is not of the size that the model reads."""
    colours = image.convert(picture_mode(config))
    pixels = processor(colours, return_tensors="pt")["pixel_values"][0]
    wanted = (config.num_channels, *two_sides(config.image_size))
    if tuple(pixels.shape) != wanted:
        raise ValueError(
            f"the image processor makes pictures of {' × '.join(map(str, pixels.shape))} (channel, row, column), "
            f"and config.json says that the model reads {' × '.join(map(str, wanted))}"
        )
    between_0_and_1 = processor(
        colours, return_tensors="pt", do_normalize=False, do_rescale=True, rescale_factor=1 / 255
    )["pixel_values"][0]
    return ProcessedPicture(pixels.float(), between_0_and_1.float() * 2 - 1)


def as_picture(pixels: Float[Tensor, "1 row column"]) -> Image.Image:
    """A grey image between -1 and 1 as a picture of 256 greys."""
    return Image.fromarray(((pixels[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy())


def grey_picture(config: PreTrainedConfig) -> Image.Image:
    """A picture of no special size, to try a processor on."""
    height, width = two_sides(config.image_size)
    return Image.new("L", (width + 1, height + 2), GREY)


def processor_words(processor: Any) -> str:
    """What a processor does, in one sentence."""
    size = ", ".join(f"{name} {value}" for name, value in dict(processor.size).items() if value is not None)
    parts = [f"resized to {size}"] if processor.do_resize else []
    if getattr(processor, "do_center_crop", None):
        parts += ["cropped to " + " × ".join(str(side) for side in dict(processor.crop_size).values() if side)]
    if processor.do_rescale:
        parts += [f"multiplied by {processor.rescale_factor:.4g}"]
    if processor.do_normalize:
        mean, std = map(channel_numbers_in_words, (processor.image_mean, processor.image_std))
        parts += [f"less {mean} and divided by {std} in each channel"]
    return f"Pictures are read as the model's folder says: {', '.join(parts) or 'as they are'}."


def channel_numbers_in_words(values: float | list[float] | tuple[float, ...]) -> str:
    """A number, or one of each channel."""
    return ", ".join(f"{value:.4g}" for value in (values if isinstance(values, list | tuple) else [values]))

"""Picture: a PNG or JPEG file as pixels of the size that a model reads; what is no such file is refused."""

import io
from contextlib import AbstractContextManager

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from transformers import PreTrainedConfig

from headscope.models.io.foreign_input import ForeignInputError, foreign_input
from headscope.models.seam.input_sizes import two_sides

FORMATS = ("PNG", "JPEG")
MOST_BYTES = 20 * 2**20
MOST_PIXELS = 64 * 2**20
MODES = {1: "L", 3: "RGB"}


def picture(content: bytes, config: PreTrainedConfig) -> Float[Tensor, "channel row column"]:
    """The picture between -1 (black) and 1 (white), resized. Raises ValueError for what is no picture or too large."""
    height, width = two_sides(config.image_size)
    shown = picture_in_model_colours(content, config).resize((width, height), Image.Resampling.BILINEAR)
    numbers = torch.from_numpy(np.array(shown, dtype=np.float32)) / 127.5 - 1
    return numbers[None] if config.num_channels == 1 else numbers.movedim(-1, 0)


def picture_in_model_colours(content: bytes, config: PreTrainedConfig) -> Image.Image:
    """The decoded file in the colours that a model reads, in its own size."""
    mode = picture_mode(config)
    result = decoded_picture(content)
    with broken_picture():
        return result.convert(mode)


def picture_mode(config: PreTrainedConfig) -> str:
    """PIL's name for the colours that a model reads. Raises ValueError where no picture has them."""
    if config.num_channels not in MODES:
        raise ValueError(f"a picture has 1 or 3 channels, and this model reads {config.num_channels}")
    return MODES[config.num_channels]


def decoded_picture(content: bytes) -> Image.Image:
    """The decoded file. Raises ValueError in one sentence."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"the picture has {len(content) / 2**20:.0f} MiB; at most {MOST_BYTES // 2**20} are read")
    try:
        with broken_picture():
            result = Image.open(io.BytesIO(content), formats=FORMATS)
            if result.width * result.height <= MOST_PIXELS:
                result.load()
    except ForeignInputError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise ValueError(f"the file is no {' or '.join(FORMATS)} picture; convert it into one") from error
        raise
    if result.width * result.height > MOST_PIXELS:
        raise ValueError(
            f"the picture is {result.width} × {result.height}; make it smaller than {MOST_PIXELS:,} pixels"
        )
    return result


def broken_picture() -> AbstractContextManager[None]:
    """foreign_input around what decodes a picture."""
    return foreign_input("the picture is broken or cut short", advice="save or fetch it again", quotes=False)


def resized_pixels(
    pixels: Float[Tensor, "channel row column"], config: PreTrainedConfig
) -> Float[Tensor, "other_channel height width"]:
    """A grey image of the size and channels that a model reads; unchanged where it has them already."""
    return resized_images(pixels[None], two_sides(config.image_size))[0].expand(config.num_channels, -1, -1)


def resized_images(
    images: Float[Tensor, "image channel row column"], size: tuple[int, int]
) -> Float[Tensor, "image channel height width"]:
    """Images of a height and a width in pixels, along lines between the pixels; unchanged where they have it."""
    if tuple(images.shape[2:]) == size:
        return images
    return torch.nn.functional.interpolate(images, size, mode="bilinear", align_corners=False)

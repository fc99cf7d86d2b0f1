"""Pictures: one of the handwritten digits, or a picture file, as the prompt of a vision transformer."""

from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps
from transformers import PreTrainedConfig
from transformers.image_processing_utils import BaseImageProcessor

from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.image_prompt import ImagePrompt, image_prompt
from headscope.models.data.images.digits import all_digits, digits
from headscope.models.data.images.picture import picture, picture_in_model_colours, resized_pixels
from headscope.models.data.images.processed import as_picture, processed_picture, processor_of

DIGITS = 1797


def digit_prompt(number: int, model: HookedModel) -> ImagePrompt:
    """A digit of scikit-learn's by its number, for a hooked model; its class is known where the model has ten."""
    if type(number) is not int or not 0 <= number < DIGITS:
        raise ValueError(f"digit {number!r} was asked for; they are numbered 0 to {DIGITS - 1}")
    whole, config = all_digits(), model.original_model.config
    digit = int(whole.labels[number])
    label = digit if config.id2label.get(digit) == str(digit) else None
    name, processor = f"digit {number}, a {digit}", processor_of(model.original_model)
    if processor is None:
        return image_prompt(resized_pixels(whole.images[number], config), config, name, label)
    return replace(processed_prompt(as_picture(whole.images[number]), config, processor, name), label=label)


def is_held_out(number: int) -> bool:
    """Whether a digit is in the part that no training sees."""
    return number in digits().validation.numbers.tolist()


def picture_prompt(file: str | Path, model: HookedModel, *, inverted: bool = False) -> ImagePrompt:
    """A PNG or JPEG file for a hooked model, resized and normalised as its folder says.

    inverted: black becomes white, as of a drawing on paper.
    """
    path, config, processor = Path(file), model.original_model.config, processor_of(model.original_model)
    content, name = path.read_bytes(), f"picture {path.name}"
    if processor is None:
        pixels = picture(content, config)
        return image_prompt(-pixels if inverted else pixels, config, name)
    image = picture_in_model_colours(content, config)
    return processed_prompt(ImageOps.invert(image) if inverted else image, config, processor, name)


def processed_prompt(
    image: Image.Image, config: PreTrainedConfig, processor: BaseImageProcessor, name: str
) -> ImagePrompt:
    """A picture as the image processor of the model's folder makes it."""
    result = processed_picture(image, config, processor)
    return replace(image_prompt(result.pixels, config, name), shown=result.shown)

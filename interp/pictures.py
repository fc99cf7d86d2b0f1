"""Pictures: one of the handwritten digits, or a picture file, as the prompt of a vision transformer."""

from pathlib import Path
from typing import Any

from interp.image_prompt import ImagePrompt, image_prompt
from models.vision.digits import all_digits, digits
from models.vision.picture import fitted, picture

DIGITS = 1797


def digit_prompt(number: int, model: Any) -> ImagePrompt:
    """A digit of scikit-learn's by its number, for a hooked model; its class is known where the model has ten."""
    if type(number) is not int or not 0 <= number < DIGITS:
        raise ValueError(f"digit {number!r} was asked for; they are numbered 0 to {DIGITS - 1}")
    whole, config = all_digits(), model.original_model.config
    digit = int(whole.labels[number])
    label = digit if config.id2label.get(digit) == str(digit) else None
    return image_prompt(fitted(whole.images[number], config), config, f"digit {number}, a {digit}", label)


def is_held_out(number: int) -> bool:
    """Whether a digit is in the part that no training sees."""
    return number in digits().validation.numbers.tolist()


def picture_prompt(file: str | Path, model: Any, *, inverted: bool = False) -> ImagePrompt:
    """A PNG or JPEG file for a hooked model; inverted: black becomes white, as of a drawing on paper."""
    path, config = Path(file), model.original_model.config
    pixels = picture(path.read_bytes(), config)
    return image_prompt(-pixels if inverted else pixels, config, f"picture {path.name}")

"""Image names: what the address calls an image, 17 for a digit or the name of a kept picture, and the image itself."""

from headscope.app.serving.kept.pictures import kept_picture
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.image_prompt import ImagePrompt
from headscope.interp.reading.pictures import digit_prompt, picture_prompt

INVERTED = "-inverted"


def is_digit(name: str) -> bool:
    """Whether a name is a digit's number."""
    return name.isascii() and name.isdigit() and len(name) < 5


def image_named(name: str, model: HookedModel) -> ImagePrompt:
    """The image as a hooked model reads it. ValueError in one sentence where there is none of that name."""
    if is_digit(name):
        return digit_prompt(int(name), model)
    return picture_prompt(kept_picture(name.removesuffix(INVERTED)), model, inverted=name.endswith(INVERTED))


def image_code(name: str) -> tuple[str, str]:
    """The import and the expression that make the image again, for a model named model."""
    if is_digit(name):
        return "from headscope.interp.reading.pictures import digit_prompt", f"digit_prompt({name}, model)"
    file, inverted = kept_picture(name.removesuffix(INVERTED)), name.endswith(INVERTED)
    options = ", inverted=True" if inverted else ""
    return (
        "from headscope.interp.reading.pictures import picture_prompt",
        f"picture_prompt({str(file)!r}, model{options})",
    )

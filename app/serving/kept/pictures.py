"""Kept pictures: what was sent from the browser, on this computer under the name of its content."""

from pathlib import Path

from headscope.app.serving.kept.files import keep_file, kept_file
from headscope.models.data.images.picture import decoded_picture

KIND = "pictures"


def keep_picture(content: bytes, place: Path | None = None) -> str:
    """The name of a picture that is kept from now on, the oldest others go. Raises ValueError for what is none."""
    decoded_picture(content)
    return keep_file(KIND, content, place)


def kept_picture(name: str, place: Path | None = None) -> Path:
    """The file of a picture that a link names. Raises ValueError where it is no longer kept."""
    file = kept_file(KIND, name, place)
    if file is None:
        raise ValueError("the picture that the link names is no longer kept here: send it again, or choose a digit")
    return file

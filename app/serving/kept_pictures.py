"""Kept pictures: what was sent from the browser, on this computer under the name of its content."""

import re
from hashlib import sha256
from pathlib import Path

from headscope.models.data.images.picture import decoded_picture
from headscope.models.io.cache_folder import cache_folder
from headscope.models.io.whole_file import whole_file

PICTURE = re.compile(r"[0-9a-f]{16}")
MOST_KEPT = 32


def keep_picture(content: bytes, place: Path | None = None) -> str:
    """The name of a picture that is kept from now on, the oldest others go. Raises ValueError for what is none."""
    decoded_picture(content)
    place = place or cache_folder("pictures")
    place.mkdir(parents=True, exist_ok=True)
    name = sha256(content).hexdigest()[:16]
    with whole_file(place / name) as partial:
        partial.write_bytes(content)
    files = (path for path in place.iterdir() if PICTURE.fullmatch(path.name))
    for path in sorted(files, key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
        path.unlink()
    return name


def kept_picture(name: str, place: Path | None = None) -> Path:
    """The file of a picture that a link names. Raises ValueError where it is no longer kept."""
    file = (place or cache_folder("pictures")) / name
    if not (PICTURE.fullmatch(name) and file.is_file()):
        raise ValueError("the picture that the link names is no longer kept here: send it again, or choose a digit")
    return file

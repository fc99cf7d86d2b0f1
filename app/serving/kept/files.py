"""Kept files: what came from the browser, on this computer under the name of its content; links name it."""

import re
from hashlib import sha256
from pathlib import Path

from headscope.app.serving.kept.retention import make_room, note_use
from headscope.models.io.cache_folder import cache_folder
from headscope.models.io.whole_file import whole_file

NAME = re.compile(r"[0-9a-f]{16}")
MOST_BYTES = 256 << 20  # of one kind together


def keep_file(kind: str, content: bytes, place: Path | None = None) -> str:
    """The name of a content that is kept from now on; of its kind those go that were used before all others.

    place: the kind's folder. Raises ValueError for a content that is larger than all of a kind may be.
    """
    place = place or cache_folder(kind)
    name = sha256(content).hexdigest()[:16]
    make_room(place, len(content), MOST_BYTES, NAME)
    with whole_file(place / name) as partial:
        partial.touch(0o600)
        partial.write_bytes(content)
    note_use(place / name)
    return name


def kept_file(kind: str, name: str, place: Path | None = None) -> Path | None:
    """The file that a link names, if it is still kept."""
    file = (place or cache_folder(kind)) / name
    if not NAME.fullmatch(name) or not file.is_file():
        return None
    note_use(file)
    return file

"""Kept files: what came from the browser, on this computer under the name of its content; links name it."""

import re
from hashlib import sha256
from pathlib import Path

from headscope.models.io.cache_folder import cache_folder
from headscope.models.io.whole_file import whole_file

NAME = re.compile(r"[0-9a-f]{16}")
MOST_KEPT = 32


def keep_file(kind: str, content: bytes, place: Path | None = None) -> str:
    """The name of a content that is kept from now on; the oldest others of its kind go. place: the kind's folder."""
    place = place or cache_folder(kind)
    place.mkdir(parents=True, exist_ok=True)
    name = sha256(content).hexdigest()[:16]
    with whole_file(place / name) as partial:
        partial.write_bytes(content)
    files = (path for path in place.iterdir() if NAME.fullmatch(path.name))
    for path in sorted(files, key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
        path.unlink()
    return name


def kept_file(kind: str, name: str, place: Path | None = None) -> Path | None:
    """The file that a link names, if it is still kept."""
    file = (place or cache_folder(kind)) / name
    return file if NAME.fullmatch(name) and file.is_file() else None

"""Retention: what came from the browser stays as long as a session uses it and a day longer, within a size."""

import os
import re
import shutil
import time
from functools import cache
from pathlib import Path

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from headscope.models.io.cache_folder import cache_folder

KINDS = ("uploads", "pictures", "texts")
DAY, HOUR = 86_400, 3_600  # seconds
LEFTOVER = re.compile(r"partial-.*|.*\.partial")  # of a write that was killed
PRIVATE = 0o700


def note_use(path: Path) -> None:
    """Remember that something kept is used now, by this session."""
    os.utime(path)
    if context := get_script_run_ctx():
        users().setdefault(path, set()).add(context.session_id)


@cache
def users() -> dict[Path, set[str]]:
    """The sessions that used what is kept, by its path."""
    return {}


def is_in_use(path: Path) -> bool:
    """Whether a session that used it is still connected."""
    return runtime.exists() and any(map(runtime.get_instance().is_active_session, users().get(path, ())))


def make_room(place: Path, size: int, most: int, name: re.Pattern[str]) -> None:
    """Delete what was not used for longest until `size` more bytes fit into `most`; make the folder, private.

    name: what is kept, among all that the folder holds. Raises ValueError for a size that never fits.
    """
    if size > most:
        raise ValueError(
            f"what was sent has {size:,} bytes, and at most {most:,} are kept: open it by its path instead"
        )
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(PRIVATE)
    kept = sorted(
        (path for path in place.iterdir() if name.fullmatch(path.name)), key=lambda path: path.stat().st_mtime
    )
    sizes = [bytes_of(path) for path in kept]
    for at, path in enumerate(kept):
        if sum(sizes[at:]) + size <= most:
            return
        remove(path)


def forget_abandoned(now: float | None = None) -> None:
    """Delete what no session used for a day, and what a killed write left an hour ago. now: seconds since 1970."""
    now = time.time() if now is None else now
    for path in all_kept():
        if is_in_use(path):
            os.utime(path, (now, now))
        elif now - path.stat().st_mtime > (HOUR if LEFTOVER.fullmatch(path.name) else DAY):
            remove(path)


def forget_all() -> None:
    """Delete all that came from the browser."""
    for path in all_kept():
        remove(path)


def all_kept() -> list[Path]:
    """What came from the browser and is still on this computer."""
    places = [place for kind in KINDS if (place := cache_folder(kind)).is_dir()]
    return [path for place in places for path in place.iterdir()]


def bytes_of(path: Path) -> int:
    """The size of a file, or of a folder's files."""
    return sum(item.stat().st_size for item in (path, *path.rglob("*")) if item.is_file())


def remove(path: Path) -> None:
    """Delete a file or a folder; one that another session has just deleted is gone, too."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

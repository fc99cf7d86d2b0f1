"""The cache folder: what is made once and can be made again, apart from the user's own files."""

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """The folder of one part: `headscope/<part>` in $XDG_CACHE_HOME or ~/.cache; it may not be there yet.

    Raises ValueError where there is no home either.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or home_folder() / ".cache") / "headscope" / part


def home_folder() -> Path:
    """The user's own folder. Raises ValueError where the system knows none."""
    try:
        return Path.home()
    except RuntimeError as unknown:
        raise ValueError("this user has no home folder: set HOME to a folder that you may write to") from unknown

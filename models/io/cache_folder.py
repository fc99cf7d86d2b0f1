"""The cache folder: what is made once and can be made again, apart from the user's own files."""

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """The folder of one part: `headscope/<part>` in $XDG_CACHE_HOME or ~/.cache; it may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headscope" / part

"""A JSON file that is there whole or not at all."""

import json
from pathlib import Path

from headscope.models.io.whole_file import write_whole


def write_json(path: Path, plain: object) -> None:
    """Write JSON-plain values, replacing the file at once."""
    write_whole(path, json.dumps(plain, indent=2) + "\n")

"""A JSON file that is there whole or not at all."""

import json
from pathlib import Path


def write_json(path: Path, plain: object) -> None:
    """Write JSON-plain values, replacing the file at once."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)

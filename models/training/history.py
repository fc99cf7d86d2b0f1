"""history.jsonl: what a run measured, a line a measurement."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def read_history(path: Path) -> list[Record]:
    """All whole lines of a history; a last line that a kill cut short is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def append_record(path: Path, record: Record) -> None:
    """Write one measurement at the end."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def cut_history(path: Path, step: int) -> None:
    """Forget what was measured after `step`."""
    write_history(path, [record for record in read_history(path) if record["step"] <= step])


def write_history(path: Path, history: list[Record]) -> None:
    """Write a whole history, replacing the file at once."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(record) + "\n" for record in history), encoding="utf-8")
    partial.replace(path)

"""history.jsonl: what a run measured, a line a measurement."""

import json
from dataclasses import dataclass
from pathlib import Path

from headscope.models.io.bounds import bounded_text
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import ForeignInputError, foreign_input
from headscope.models.io.plain_values import plain_values
from headscope.models.io.records import record_in
from headscope.models.io.whole_file import write_errors_in_words, write_whole

Record = Fields
MOST_BYTES = 32 * 2**20
MOST_WHOLE = 2**53  # whole numbers beyond it are no steps, tokens or seconds of a training


@dataclass(frozen=True)
class Measured:
    """What every line of a history says; all else in it is a number by its own name."""

    step: int

    def __post_init__(self) -> None:
        refuse_no_step("step", self.step)


def refuse_no_step(name: str, step: int) -> None:
    """Raise ValueError for a number that no training comes to."""
    if not 0 <= step < MOST_WHOLE:
        raise ValueError(f"field {name!r} is {step}, no step of a training")


def read_history(path: Path) -> list[Record]:
    """All whole lines of a history; a last line that a kill cut short is left out.

    Raises ForeignInputError, naming file and line, for a line that is no step with its numbers.
    """
    with foreign_input(f"cannot read {path} as text"):
        lines = bounded_text(path, MOST_BYTES).splitlines(keepends=True) if path.exists() else []
    return [
        measurement_in(line, f"line {at} of {path}") for at, line in enumerate(lines, start=1) if line.endswith("\n")
    ]


def measurement_in(line: str, origin: str) -> Record:
    """One measurement; `origin` says in errors where the line stands."""
    record = plain_values(line, origin)
    record_in(Measured, record, origin, others=True)
    assert isinstance(record, dict)  # record_in takes no other
    if strange := [name for name, value in record.items() if not is_number(value)]:
        raise ForeignInputError(f"cannot read {origin}: its {strange[0]!r} is no number")
    return record


def is_number(value: object) -> bool:
    """Whether a value of a history can be drawn."""
    return type(value) is float or (type(value) is int and abs(value) < MOST_WHOLE)


def append_record(path: Path, record: Record) -> None:
    """Write one measurement at the end."""
    with write_errors_in_words(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def cut_history(path: Path, step: int) -> None:
    """Forget what was measured after `step`."""
    write_history(path, [record for record in read_history(path) if record["step"] <= step])


def write_history(path: Path, history: list[Record]) -> None:
    """Write a whole history, replacing the file at once."""
    write_whole(path, "".join(json.dumps(record) + "\n" for record in history))

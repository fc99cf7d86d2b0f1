"""Store: the folder of a sweep's results, a Parquet file a unit, there whole or not at all."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headscope.interp.sweeps.content import ContentIndex
from headscope.interp.sweeps.unit import Unit
from headscope.models.io.plain_values import read_plain
from headscope.models.io.whole_file import whole_file, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

PLAN, FAILURES, CONTENT, UNITS = "sweep.json", "failures.json", "content.json", "units"


@dataclass(frozen=True)
class Planned:
    """What a sweep's folder knows of a unit without opening anything."""

    key: str
    run: str
    step: int | None
    weights: str
    analysis: str
    prompts: str

    @classmethod
    def of(cls, unit: Unit) -> "Planned":
        """What of a unit is written down."""
        at = unit.checkpoint
        return cls(unit.key, at.run, at.step, at.weights, unit.analysis, unit.prompts.name)


class Store:
    """Results by unit, whichever sweep asked for them; a folder can serve many."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def index(self) -> ContentIndex:
        """The digests of model files, kept here."""
        (self.folder / UNITS).mkdir(parents=True, exist_ok=True)
        return ContentIndex(self.folder / CONTENT)

    def file_of(self, key: str) -> Path:
        """Where the numbers of a unit lie, or will."""
        return self.folder / UNITS / f"{key}.parquet"

    def holds(self, key: str) -> bool:
        """Whether a unit was measured."""
        return self.file_of(key).is_file()

    def keep(self, key: str, numbers: "pa.Table") -> None:
        """Write the numbers of a unit."""
        import pyarrow.parquet as parquet

        with whole_file(self.file_of(key)) as partial:
            parquet.write_table(numbers, partial, compression="zstd")

    def numbers(self, key: str) -> "pa.Table":
        """The numbers of a unit."""
        import pyarrow.parquet as parquet

        return parquet.read_table(self.file_of(key))

    def plan(self) -> tuple[Planned, ...]:
        """The units of the last sweep of this folder. Raises ValueError where there was none."""
        if not (self.folder / PLAN).is_file():
            raise ValueError(f"{self.folder} holds no sweep: it has no {PLAN}; `headscope sweep` makes one")
        plain = read_plain(self.folder / PLAN)
        return tuple(Planned(**item) for item in plain) if isinstance(plain, list) else ()

    def write_plan(self, units: Iterable[Unit]) -> None:
        """Write down which units a sweep has."""
        write_whole(self.folder / PLAN, json.dumps([vars(Planned.of(unit)) for unit in units], indent=1))

    def write_failures(self, failures: dict[str, str]) -> None:
        """Write down what could not be measured, and why."""
        write_whole(self.folder / FAILURES, json.dumps(failures, indent=1))

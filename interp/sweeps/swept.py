"""Swept: what a sweep's folder holds, as one table, and its numbers over checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headscope.interp.sweeps.store import FAILURES, Planned, Store
from headscope.interp.sweeps.unit import checkpoint_title
from headscope.models.io.plain_values import read_plain

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Sweep:
    """units: all that were asked for. failures: why some are not there, by key."""

    folder: Path
    units: tuple[Planned, ...]
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def measured(self) -> tuple[Planned, ...]:
        """The units that are there."""
        store = Store(self.folder)
        return tuple(unit for unit in self.units if store.holds(unit.key))

    def to_arrow(self) -> "pa.Table":
        """A row per number, with the run, step, analysis and prompts that it is of. Raises ValueError without any."""
        return self._table

    @cached_property
    def _table(self) -> "pa.Table":
        """The files, each read once."""
        import pyarrow as pa

        if not (measured := self.measured):
            raise ValueError(f"{self.folder} holds no numbers yet: none of its {len(self.units)} units was measured")
        return pa.concat_tables([rows_of(unit, Store(self.folder)) for unit in measured])

    def to_frame(self) -> "pd.DataFrame":
        """The same, of pandas."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> "pl.DataFrame":
        """The same, of polars. Raises ValueError where that is not installed."""
        try:
            import polars
        except ImportError as missing:
            raise ValueError("polars is not installed: pip install polars, or use to_frame") from missing
        frame = polars.from_arrow(self.to_arrow())
        assert isinstance(frame, polars.DataFrame)
        return frame

    def failures_in_words(self) -> list[str]:
        """A sentence for every unit that could not be measured."""
        named = {unit.key: unit for unit in self.units}
        return [f"{title_of(named[key])}: {reason}" for key, reason in self.failures.items() if key in named]


def open_sweep(folder: str | Path) -> Sweep:
    """What the last sweep of a folder left there. Raises ValueError where there was none."""
    folder = Path(folder)
    units = Store(folder).plan()
    plain = read_plain(folder / FAILURES) if (folder / FAILURES).is_file() else {}
    return Sweep(folder, units, plain if isinstance(plain, dict) else {})


def rows_of(unit: Planned, store: Store) -> "pa.Table":
    """The numbers of a unit with columns that say what they are of."""
    import pyarrow as pa

    numbers = store.numbers(unit.key)
    about = {"run": unit.run, "step": unit.step, "analysis": unit.analysis, "prompts": unit.prompts}
    kinds = {"step": pa.int64()}
    columns = {name: pa.array([value] * len(numbers), kinds.get(name, pa.string())) for name, value in about.items()}
    return pa.table({**columns, **{name: numbers[name] for name in numbers.column_names}})


def title_of(unit: Planned) -> str:
    """What is measured of what, on what."""
    return f"{unit.analysis} of {checkpoint_title(unit.run, unit.step)} on {unit.prompts}"

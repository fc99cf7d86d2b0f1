"""Running a sweep from the terminal: what there is to do, a bar with the time that is left, and the table."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from headscope.interp.sweeps.sweep import sweep
from headscope.interp.sweeps.sweep_file import read_sweep
from headscope.interp.sweeps.swept import Sweep, open_sweep
from headscope.models.io.whole_file import refuse_unwritable, whole_file


@dataclass(frozen=True)
class SweepRun:
    """What the command was asked for."""

    request: Path
    out: Path
    address: str | None
    workers: int | None
    here: bool


def sweep_with_a_bar(run: SweepRun) -> Sweep:
    """The sweep of a file, with units counted as they are done. KeyboardInterrupt says how many are kept."""
    request = read_sweep(run.request)
    with ExitStack() as stack:
        bar = UnitBar(stack)
        try:
            return sweep(
                request, out=run.out, address=run.address, workers=run.workers, ray=not run.here, watch=bar.update
            )
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(f"stopped with {bar.done} of {bar.total} units in {run.out}") from stop


class UnitBar:
    """A bar of units with the time that is left; it is there once the units are counted."""

    def __init__(self, stack: ExitStack) -> None:
        """stack: ends it."""
        columns = TextColumn("units"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
        self.progress = Progress(*columns, console=Console(stderr=True))
        self.stack, self.done, self.total = stack, 0, 0

    def update(self, done: int, total: int) -> None:
        """Show how many units are done."""
        if not self.total:
            typer.echo(f"{total} units, of which {done} are there already", err=True)
            self.task = self.stack.enter_context(self.progress).add_task("units", total=total)
        self.done, self.total = done, total
        self.progress.update(self.task, completed=done)


def kept_sweep(run: SweepRun) -> Sweep:
    """What the folder holds of the last sweep in it."""
    return open_sweep(run.out)


def write_table(result: Sweep, file: Path) -> int:
    """Write all numbers of a sweep as one table; how many there are."""
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    refuse_unwritable(file)
    table = result.to_arrow()
    with whole_file(file) as partial:
        (csv.write_csv if file.suffix == ".csv" else parquet.write_table)(table, partial)
    return len(table)

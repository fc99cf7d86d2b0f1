"""A progress bar of training with loss and speed, drawn from the first measurement on."""

from types import TracebackType
from typing import final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import UNITS


@final
class TrainingBar:
    """Shows lines of a history as they come; each validation stays on a line of its own."""

    def __init__(self, steps: int, title: str) -> None:
        numbers = TextColumn("{task.fields[numbers]}")
        self._progress = Progress(
            TextColumn("{task.description}"), MofNCompleteColumn(), BarColumn(), numbers, TimeRemainingColumn()
        )
        self._task = self._progress.add_task(title, total=steps, numbers="")
        self._first: Record | None = None

    @property
    def has_shown(self) -> bool:
        """Has anything been measured? A run that was complete already measures nothing."""
        return self._first is not None

    def __enter__(self) -> "TrainingBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.has_shown:
            self._progress.stop()

    def show(self, record: Record) -> None:
        """Draw one line of the history."""
        if self._first is None:
            self._first = record
            self._progress.start()
            if record["step"] > 0:
                self._progress.console.print(f"going on after step {record['step'] - 1}")
        seconds = record["seconds"] - self._first["seconds"]
        unit = next(name for name in UNITS if name in record)
        speed = f"{(record[unit] - self._first[unit]) / seconds if seconds else 0.0:,.0f} {unit}/s"
        loss = f"loss {record['loss']:.3f}" if "loss" in record else ""
        self._progress.update(self._task, completed=record["step"], numbers=f"{loss}  {speed}")
        if "validation_loss" in record:
            self._progress.console.print(
                f"step {record['step']:>6}  {loss}  validation {record['validation_loss']:.3f}  {speed}"
            )

"""Inspection: what `headscope inspect` finds in one model or two, as a table, JSON, CSV or an HTML report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from interp.analyse import analyse
from interp.analyses import ANALYSES
from interp.choices import Choices
from interp.findings import Findings
from interp.report import report
from models import load
from models.checkpoints.loading import place_of
from models.zoo import snapshots

if TYPE_CHECKING:
    import pandas as pd

JSON_FORMAT = "headscope inspect 1"


@dataclass(frozen=True)
class Inspection:
    """What is asked: models by name or folder, prompts, analyses (None: all that fit), whether BOS comes first.

    choices: what only some analyses read; the run of a model is its own folder, where that holds snapshots.
    """

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    what: tuple[str, ...] | None
    bos: bool
    choices: Choices = field(default_factory=Choices)


def inspected(asked: Inspection) -> list[Findings]:
    """The findings of every model, with a progress bar on the error stream."""
    return [_inspected(name, asked) for name in asked.models]


def _inspected(name: str, asked: Inspection) -> Findings:
    model = load(name)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"analysing {name}", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{name}: {stage.replace('_', ' ')}", completed=done, total=total)

        choices = replace(asked.choices, run=run_of(name))
        findings = analyse(model, list(asked.prompts), asked.what, choices=choices, prepend_bos=asked.bos, watch=show)
    return replace(findings, model=name)


def analyses_table() -> Table:
    """Name and summary of every analysis."""
    shown = Table("analysis", "what it says")
    for one in ANALYSES.values():
        shown.add_row(one.name, one.summary[:1].upper() + one.summary[1:].rstrip("."))
    return shown


def run_of(name: str) -> Path | None:
    """The folder of a model that holds snapshots of its training."""
    folder = place_of(name)
    return folder if folder.is_dir() and snapshots(folder) else None


def as_json(findings: Sequence[Findings]) -> str:
    """All numbers of all models with stable keys."""
    plain = {"format": JSON_FORMAT, "models": [one.to_json() for one in findings]}
    return json.dumps(plain, indent=1, allow_nan=False)


def as_csv(findings: Sequence[Findings]) -> str:
    """The tables of heads below one another, a column for the model."""
    return table(findings).to_csv(index=False)


def table(findings: Sequence[Findings]) -> "pd.DataFrame":
    """The tables of heads of all models, nulls included."""
    import pandas as pd

    frames = [one.to_frame() for one in findings]
    for frame, one in zip(frames, findings, strict=True):
        frame.insert(0, "model", one.model)
    return pd.concat(frames, ignore_index=True)


def write_report(findings: Sequence[Findings], path: Path) -> None:
    """The HTML report as a file."""
    path.write_text(report(findings), encoding="utf-8")


def refuse_missing_folder(path: Path) -> None:
    """Before the work: ValueError where a report could not be written after it."""
    if not path.absolute().parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")

"""Inspection: what `headscope inspect` finds in one model or two, as a table, JSON, CSV or an HTML report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from interp.analyse import analyse
from interp.findings import Findings
from interp.report import report
from models import load

if TYPE_CHECKING:
    import pandas as pd

JSON_FORMAT = "headscope inspect 1"


@dataclass(frozen=True)
class Inspection:
    """What is asked: models by name or folder, prompts, analyses (None: all that fit), whether BOS comes first."""

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    what: tuple[str, ...] | None
    bos: bool


def inspected(asked: Inspection) -> list[Findings]:
    """The findings of every model, with a progress bar on the error stream."""
    return [_inspected(name, asked) for name in asked.models]


def _inspected(name: str, asked: Inspection) -> Findings:
    model = load(name)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"analysing {name}", total=None)
        findings = analyse(
            model,
            list(asked.prompts),
            asked.what,
            prepend_bos=asked.bos,
            watch=lambda done, total: bar.update(task, completed=done, total=total),
        )
    return replace(findings, model=name)


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

"""Inspection: what `headscope inspect` finds in one model or two, as a table, JSON, CSV or an HTML report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from rich.progress import Progress

from headscope.app.serving.model_source import known_modality
from headscope.app.terminal.heads_in_terminal import (
    arrival_in_words,
    heads_caption,
    heads_table,
    numbers_by_rank,
    numbers_that_fit,
    standing_out_first,
)
from headscope.app.terminal.inspected_prompts import inspected_prompts
from headscope.app.terminal.shown_heads import ShownHeads
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.applicable import is_by_name
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.costs import costly_in_words
from headscope.interp.asking.findings import Findings, Interruption
from headscope.interp.asking.head_columns import HeadColumns, rows_in_order
from headscope.interp.asking.same_numbers import numbers_that_differ, same_in_words
from headscope.interp.asking.standing_out import standing_out_of_each
from headscope.interp.reading.hooked_model import head_layers
from headscope.interp.results.numbers import numbers_per_head
from headscope.models.checkpoints.converters.facts import Given
from headscope.models.checkpoints.files.weights import Format
from headscope.models.checkpoints.model_place import is_asked
from headscope.models.checkpoints.opening import PLAIN
from headscope.models.checkpoints.steps import own_run
from headscope.models.hooked.loading import load, place_of
from headscope.models.io.whole_file import write_whole

JSON_FORMAT = "headscope inspect 1"
MOST_HEADS = 40  # of the table in the terminal


@dataclass(frozen=True)
class Inspection:
    """What is asked: models by name or folder, prompts, analyses (None: the cheap ones that fit), BOS first or not.

    choices: what only some analyses read; the run of a model is its own folder, where that holds snapshots. device,
    dtype: where and in which numbers the models run. truncate: texts beyond the context are cut. shown: the heads of
    the table; all are computed. given: facts that a file of others' code does not say.
    """

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    what: tuple[str, ...] | None
    bos: bool | None
    choices: Choices = field(default_factory=Choices)
    device: str = "cpu"
    dtype: Format = None
    truncate: bool = False
    shown: ShownHeads = field(default_factory=ShownHeads)
    given: Given = field(default_factory=dict)

    @property
    def takes_long(self) -> bool:
        """Whether several analyses are named, or all are meant: by default those alone are run that take a moment."""
        return self.what is not None and (len(self.what) > 1 or not is_by_name(self.what))


def short_names(names: Sequence[str]) -> list[str]:
    """Shipped names as they are; folders by their last part, or as many as tell them apart: no machine's paths."""
    parts = [Path(name).parts if Path(name).name != name else (name,) for name in names]
    for count in range(1, max(map(len, parts)) + 1):
        short = ["/".join(part[-count:]) for part in parts]
        if len({*short}) == len(short):
            return short
    return list(names)


def refuse_unlike(names: Sequence[str]) -> None:
    """Raise ValueError for a model of texts beside one of images, before either is opened."""
    modalities = {name: known_modality(place_of(name)) for name in names}
    reads = {name: modality.reads for name, modality in modalities.items() if modality}
    if len({*reads.values()}) > 1:
        words = " and ".join(f"{name} reads {what}s" for name, what in reads.items())
        raise ValueError(f"--compare sets models of the same prompts side by side, and {words}")


@dataclass(frozen=True)
class InspectionOutcome:
    """The findings of every model; was_stopped: there would have been more."""

    findings: list[Findings]
    was_stopped: bool


def inspection_outcome(request: Inspection) -> InspectionOutcome:
    """What is asked of every model, with a progress bar on the error stream; Ctrl+C keeps what was finished."""
    refuse_unlike(request.models)
    findings: list[Findings] = []
    names = short_names(request.models)
    try:
        for name, short in zip(request.models, names, strict=True):
            findings.append(replace(_inspected(name, short, request), model=short))
    except Interruption as stop:
        kept = replace(stop.findings, model=names[len(findings)])
        return InspectionOutcome([*findings, *([kept] if kept else [])], was_stopped=True)
    except KeyboardInterrupt:
        return InspectionOutcome(findings, was_stopped=True)
    return InspectionOutcome(findings, was_stopped=False)


def _inspected(name: str, short: str, request: Inspection) -> Findings:
    model: Any = load(name, request.device, request.dtype, given=given_of(name, request))
    request.shown.refuse_absent(short, head_layers(model), model.cfg.n_heads)
    console = Console(stderr=True)
    if (words := getattr(model.cfg, "opened_as", PLAIN)) != PLAIN:
        console.print(f"{short}: {words}", highlight=False, markup=False, soft_wrap=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"analysing {short}", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{short}: {stage.replace('_', ' ')}", completed=done, total=total)

        def show_arrival(findings: Findings) -> None:
            if console.is_terminal or request.takes_long:
                console.print(arrival_in_words(findings), highlight=False, markup=False, soft_wrap=True)

        choices = replace(request.choices, run=run_of(name))
        prompts = inspected_prompts(request.prompts, model, request.bos, is_cut=request.truncate)
        return analyse(
            model, prompts, request.what, choices=choices, prepend_bos=request.bos, watch=show, arrived=show_arrival
        )


def given_of(name: str, request: Inspection) -> Given:
    """The facts that are given, of a model that may be asked for some; where no model is, the first refuses them."""
    foreign = [other for other in request.models if is_asked(place_of(other))]
    return request.given if name in (foreign or request.models[:1]) else {}


def format_named(name: str | None) -> Format:
    """A format of numbers by its name, as `load` takes it."""
    return getattr(torch, name) if name not in (None, "auto") else name  # type: ignore[return-value]


def run_of(name: str) -> Path | None:
    """The folder that holds snapshots of a model's training."""
    folder = place_of(name)
    return own_run(folder) if folder.is_dir() else None


def print_heads(findings: Sequence[Findings], shown_heads: ShownHeads, *, only_telling: bool) -> None:
    """Print which heads stand out, and a short table; ValueError where nothing that was found is a number per head."""
    console, every = Console(), table(findings)
    heads = shown_heads.of(every)
    free = {
        f"{name}.{column}"
        for finding in findings
        for name, result in finding.items()
        for column in numbers_per_head(result)
        if result.about.depends_on_gauge(*column.split(".", 1))
    }
    numbers = numbers_by_rank(list(heads), only_telling)
    differing = numbers_that_differ(every, numbers) if only_telling else numbers
    same = same_in_words(every, numbers) if only_telling else []
    shown = numbers_that_fit(heads, differing, free, console.width)
    for line in standing_out_of_each(findings, shown):
        console.print(line, highlight=False, markup=False)
    first, count = standing_out_first(heads, shown), len(heads["layer"])
    console.print(heads_table(rows_in_order(first, range(min(count, MOST_HEADS))), shown, free))
    more = [f"{count - MOST_HEADS} more heads: --csv, --layer, --head."] if count > MOST_HEADS else []
    pictures = [finding.facts.pictures for finding in findings if finding.facts.pictures]
    for line in [*more, *same, *units(findings, shown), *pictures[:1], heads_caption(heads, shown, free)]:
        console.print(line, highlight=False, markup=False)


def units(findings: Sequence[Findings], shown: Sequence[str]) -> list[str]:
    """What the numbers of every analysis in a table are, a line each."""
    abouts = {name: result.about for finding in findings for name, result in finding.items()}
    names = dict.fromkeys(number.split(".")[0] for number in shown)
    return [
        f"{name.replace('_', ' ')}: {abouts[name].title}" + (f" [{unit}]" if (unit := abouts[name].unit) != "1" else "")
        for name in names
    ]


def as_json(findings: Sequence[Findings]) -> str:
    """All numbers of all models with stable keys."""
    plain = {"format": JSON_FORMAT, "models": [finding.to_json() for finding in findings]}
    return json.dumps(plain, indent=1, allow_nan=False)


def as_csv(findings: Sequence[Findings], shown_heads: ShownHeads) -> str:
    """The tables of heads below one another, a column for the model."""
    import pandas as pd

    return pd.DataFrame(shown_heads.of(table(findings))).to_csv(index=False)


def table(findings: Sequence[Findings]) -> HeadColumns:
    """The tables of heads of all models, nulls included. ValueError where they would hold no number."""
    silent = without_numbers(findings)
    if all(name in silent for finding in findings for name in finding):
        has = "has" if len(silent) == 1 else "have"
        raise ValueError(f"{', '.join(silent)} {has} no number per head: use --json or --html")
    columns = [finding.head_columns() for finding in findings]
    models = [np.full(len(of["layer"]), item.model, object) for item, of in zip(findings, columns, strict=True)]
    tables = [{"model": name, **of} for name, of in zip(models, columns, strict=True)]
    names = dict.fromkeys(name for of in tables for name in of)
    return {name: np.concatenate([of.get(name, nothing_like(of)) for of in tables]) for name in names}


def nothing_like(rows: HeadColumns) -> Float[np.ndarray, "row"]:
    """A column of a number that a model does not have."""
    return np.full(len(rows["layer"]), np.nan, np.float32)


def without_numbers(findings: Sequence[Findings]) -> list[str]:
    """The analyses that say nothing of every head."""
    return list(
        dict.fromkeys(name for finding in findings for name, result in finding.items() if not numbers_per_head(result))
    )


def inspection_notes(findings: Sequence[Findings]) -> list[str]:
    """What was not analysed of which model, a line for each reason; what takes long in one line."""
    left_out = [f"{finding.model}: left out {line}" for finding in findings for line in finding.left_out_in_words()]
    not_finite = [f"{finding.model}: {words}" for finding in findings for words in finding.facts.not_finite]
    return [*not_finite, *left_out] + [
        f"{finding.model}: takes longer: {costly_in_words(finding.costly)}; --what NAME runs one, --all every one"
        for finding in findings
        if finding.costly
    ]


def not_in_the_table(findings: Sequence[Findings]) -> list[str]:
    """What a table of heads does not show, as a line; none where it shows nothing, and is refused."""
    silent = without_numbers(findings)
    if not silent or all(name in silent for finding in findings for name in finding):
        return []
    return [f"no number per head, and so not in the table: {', '.join(silent)}; --json and --html give them"]


def write_report(findings: Sequence[Findings], path: Path) -> None:
    """The HTML report as a file."""
    from headscope.interp.report.page import report  # plotly, which only a report needs

    write_whole(path, report(findings))

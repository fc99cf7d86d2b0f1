"""Running an experiment from the terminal: progress of trials and steps, the verdicts, where the report is."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from interp.experiments.experiment import Experiment
from interp.experiments.outcome import Outcome
from interp.experiments.publishing import publish
from interp.experiments.running import Asked, outcome_of
from interp.experiments.table import MODULES, experiment_named
from interp.experiments.verdict import Verdict


def run(asked: Asked) -> tuple[Experiment, Outcome]:
    """All trials with two bars: how many are done, and how far the one under way is."""
    experiment = experiment_named(asked.experiment)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        trials, steps = bar.add_task(f"{asked.experiment} trials", total=None), bar.add_task("…", total=None)

        def watch(words: str, done: int, total: int) -> None:
            bar.update(steps, description=words, completed=done, total=total)

        def finished(done: int, total: int) -> None:
            bar.update(trials, completed=done, total=total)

        return experiment, outcome_of(asked, watch, finished)


def written(asked: Asked, experiment: Experiment, outcome: Outcome) -> Path:
    """The report, beside the other files."""
    return publish(experiment, outcome, asked.folder)[1]


def verdicts(found: list[Verdict]) -> Table:
    """The verdicts as a table of the terminal."""
    shown = Table("claim", "the paper", "here", "answer")
    for one in found:
        shown.add_row(one.claim, one.paper, one.ours, one.answer)
    return shown


def listed() -> Table:
    """The experiments there are."""
    shown = Table("experiment", "what it asks", "source")
    for name in MODULES:
        one = experiment_named(name)
        shown.add_row(name, one.title, one.source)
    return shown

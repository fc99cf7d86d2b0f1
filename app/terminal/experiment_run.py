"""Running an experiment from the terminal: progress of trials and steps, the verdicts, where the report is."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.verdict import answer_in_words
from headscope.interp.experiments.engine.publishing import publish
from headscope.interp.experiments.engine.running import ExperimentRequest, outcome_of
from headscope.interp.experiments.engine.table import MODULES, experiment_named
from headscope.interp.figures.palette.answers import answer_colour


def outcome_with_bars(request: ExperimentRequest) -> Outcome:
    """All trials with two bars: how many are done, and how far the one under way is."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        trials, steps = bar.add_task(f"{request.experiment} trials", total=None), bar.add_task("…", total=None)

        def watch(words: str, done: int, total: int) -> None:
            bar.update(steps, description=words, completed=done, total=total)

        def finished(done: int, total: int) -> None:
            bar.update(trials, completed=done, total=total)

        return outcome_of(request, watch, finished)


def publish_report(outcome: Outcome, folder: Path) -> Path:
    """The report, beside the other files."""
    return publish(experiment_named(outcome.experiment), outcome, folder)[1]


def verdicts(outcome: Outcome) -> Table:
    """The verdicts as a table of the terminal."""
    shown = Table("claim", "the paper", "here", "answer")
    for item in experiment_named(outcome.experiment).judge(outcome):
        shown.add_row(item.claim, item.paper, item.ours, Text(answer_in_words(item.answer), answer_colour(item.answer)))
    return shown


def experiments_table() -> Table:
    """The experiments there are."""
    shown = Table("experiment", "what it asks", "source")
    for name in MODULES:
        item = experiment_named(name)
        shown.add_row(name, item.title, item.source)
    return shown

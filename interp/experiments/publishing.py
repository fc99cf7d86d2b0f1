"""What an experiment leaves: results.json, a figure and a table of each result, the report; and the committed ones."""

from collections.abc import Iterator
from pathlib import Path

from interp.experiments.experiment import Experiment
from interp.experiments.outcome import Outcome, read_outcome
from interp.experiments.report import report
from interp.experiments.table import MODULES, experiment_named
from interp.experiments.verdict import Verdict
from models.training.json_file import write_json

RESULTS = Path(__file__).parent / "results"


def publish(experiment: Experiment, outcome: Outcome, folder: Path) -> list[Path]:
    """Write everything into the folder; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    written = [folder / "results.json", folder / "report.html"]
    write_json(written[0], outcome.to_json())
    written[1].write_text(report(experiment, outcome), encoding="utf-8")
    for name, result in experiment.results(outcome).items():
        page, table = figures / f"{name}.html", figures / f"{name}.csv"
        result.figure().write_html(page)
        table.write_text(result.to_csv(), encoding="utf-8")
        written += [page, table]
    return written


def measured_results() -> Iterator[tuple[Experiment, Outcome]]:
    """The experiments whose results are shipped, in order."""
    for name in MODULES:
        path = RESULTS / f"{name}.json"
        if path.is_file():
            yield experiment_named(name), read_outcome(path)


def markdown_table() -> str:
    """The README's table of claims."""
    lines = ["| | claim | the paper | here, mean ± spread | answer |", "| --- | --- | --- | --- | --- |"]
    for experiment, outcome in measured_results():
        lines += [_row(experiment.name, one) for one in experiment.judge(outcome)]
    return "\n".join(lines) + "\n"


def _row(name: str, verdict: Verdict) -> str:
    cells = [name, verdict.claim, verdict.paper, verdict.ours, verdict.answer]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""What an experiment leaves: results.json, a figure and a table of each result, the report; and the committed ones."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headscope.interp.arms.claim_intervals import ClaimIntervals, claim_intervals
from headscope.interp.arms.outcome import Outcome, read_outcome
from headscope.interp.arms.verdict import Verdict
from headscope.interp.experiments.engine.experiment import SETTINGS, Experiment
from headscope.interp.experiments.engine.measure_version import refuse_other_version
from headscope.interp.experiments.engine.report import detail_cells, experiment_report, verdict_table
from headscope.interp.experiments.engine.table import MODULES, experiment_named
from headscope.interp.results.result import Result
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.json_file import write_json
from headscope.models.io.whole_file import write_whole

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path(__file__).parents[1] / "results"
SHIPPED = "shipped"  # the folder of a report of theirs, where a run's is called by its size


@dataclass(frozen=True, repr=False)
class Publication:
    """An experiment with what was measured, what follows from it, and what can be shown of it; path: its results."""

    path: Path
    experiment: Experiment
    outcome: Outcome
    verdicts: list[Verdict]
    results: Mapping[str, Result]

    def to_frame(self) -> "pd.DataFrame":
        """The verdicts as a table."""
        import pandas as pd

        return pd.DataFrame([asdict(verdict) for verdict in self.verdicts])

    def __repr__(self) -> str:
        return f"{self.experiment.name}: {len(self.verdicts)} claims; results: {', '.join(self.results)}"

    def _repr_html_(self) -> str:
        """The claims as a table of a notebook."""
        title = html.escape(f"{self.experiment.name}: {self.experiment.title}")
        return f"<h3>{title}</h3>{verdict_table(self.verdicts)}"


def publish(experiment: Experiment, outcome: Outcome, folder: Path) -> list[Path]:
    """Write everything into the folder; gives the files. OSError in one sentence for what cannot be written."""
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    written = [folder / "results.json", folder / "report.html"]
    write_json(written[0], outcome.to_json())
    write_whole(written[1], experiment_report(experiment, outcome))
    for name, result in experiment.results(outcome).items():
        page, table = figures / f"{name}.html", figures / f"{name}.csv"
        write_whole(page, result.figure().to_html())
        write_whole(table, result.to_csv())
        written += [page, table]
    return written


def read_publication(path: str | Path) -> Publication:
    """The results of a results.json. Raises ForeignInputError for another file, or one with other numbers."""
    outcome = read_outcome(path := Path(path))
    with foreign_input(f"cannot read {path} as results of {outcome.experiment}"):
        experiment = experiment_named(outcome.experiment)
        refuse_other_version(outcome.version, experiment)
        return Publication(path, experiment, outcome, experiment.judge(outcome), experiment.results(outcome))


def results_file(name: str) -> Path:
    """Where the shipped results of an experiment are, if there are some."""
    return RESULTS / f"{experiment_named(name).name}.json"


def shipped(name: str) -> Publication:
    """The results of an experiment at its default size, as they were measured. ValueError where none are shipped."""
    path = results_file(name)
    if not path.is_file():
        raise ValueError(f"no results of {path.stem} are shipped: run `headscope experiment {path.stem}`")
    return read_publication(path)


def all_shipped_names() -> list[str]:
    """The experiments that have shipped results, in order."""
    return [name for name in MODULES if (RESULTS / f"{name}.json").is_file()]


def shipped_verdicts() -> dict[str, list[Verdict]]:
    """The verdicts on all shipped results, by experiment."""
    return {name: shipped(name).verdicts for name in all_shipped_names()}


def shipped_claims() -> ClaimIntervals:
    """The intervals of all claims of the shipped results."""
    return claim_intervals(shipped_verdicts())


def claims_markdown_table() -> str:
    """A line for every claim with its answer, as Markdown has tables, under a line for each kind of set-up."""
    verdicts, lines = shipped_verdicts(), list[str]()
    for setting in SETTINGS:
        names = [name for name in verdicts if experiment_named(name).setting == setting]
        rows = [_row((name, item.name, str(item.answer))) for name in names for item in verdicts[name]]
        lines += [_row(("", f"**{setting}**", "")), *rows] if rows else []
    return "\n".join(["| | claim | answer |", "| --- | --- | --- |", *lines]) + "\n"


def claims_markdown_details() -> str:
    """A table for every experiment: each claim with what the paper says, what was measured and what it is judged by."""
    head = _row(("claim", "the paper", "here, mean ± spread", "90 % interval, bound", "answer"))
    parts: list[str] = []
    for item in map(shipped, all_shipped_names()):
        lines = [_row(detail_cells(verdict)) for verdict in item.verdicts]
        title = f"## {item.experiment.name}: {item.experiment.title}"
        parts.append("\n".join([title, "", head, _row(["---"] * 5), *lines]))
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""The table of families: what the last trial of all of them gave, as it is kept beside this file."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from headscope.interp.families.trial import FamilyTrial
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.io.plain_values import read_plain
from headscope.models.io.records import record_in

KEPT = Path(__file__).parent / "tried.json"


def kept_trials() -> list[FamilyTrial]:
    """The trials that are kept, by name."""
    return read_trials(KEPT)


def read_trials(file: Path) -> list[FamilyTrial]:
    """The trials in a file. Raises ForeignInputError, naming file and field, for another."""
    plain = read_plain(file)
    if not isinstance(plain, list):
        raise ForeignInputError(f"cannot read {file}: it holds a {type(plain).__name__}, not a list of trials")
    return [record_in(FamilyTrial, item, f"trial {at} of {file}") for at, item in enumerate(plain)]


def keep_trials(trials: Iterable[FamilyTrial]) -> None:
    """Put these in the place of what was kept."""
    rows = [json.dumps(trial.to_json(), ensure_ascii=False) for trial in trials]
    KEPT.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def family_rows(trials: Sequence[FamilyTrial]) -> list[tuple[str, ...]]:
    """family, opens, hooks, beyond, circuits, sizes: in words."""
    return [(trial.family, *words_of(trial), trial.sizes) for trial in trials]


def words_of(trial: FamilyTrial) -> tuple[str, str, str, str]:
    """Whether it opens, whether it is hooked, what else hooks show, and which circuits are read; or why not."""
    if trial.opens:
        return f"no: {trial.opens}", "", "", ""
    opens = f"as it is: {trial.alone}" if trial.alone else "yes"
    if trial.hooks:
        return opens, f"no: {trial.hooks}", "", ""
    failed = ", ".join(trial.circuits or ())
    circuits = f"without {failed}" if failed else "all"
    return opens, f"yes, off by {trial.off:.0e}", ", ".join(trial.beyond), circuits


def markdown_table(trials: Sequence[FamilyTrial]) -> str:
    """The table as Markdown, those that open first."""
    rows = sorted(family_rows(trials), key=lambda row: (not row[1].startswith("yes"), row[1].startswith("no"), row[0]))
    head = ["| family | opens | hooks | beyond | circuits | sizes |", "|---|---|---|---|---|---|"]
    return (
        "\n".join([*head, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)]) + "\n"
    )

"""Inspect options: what `headscope inspect` can refuse before it imports torch, which takes seconds."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from headscope import models
from headscope.app.terminal.analyses_listed import listed_analyses
from headscope.models.io.foreign_input import expanded_path
from headscope.models.io.hub import is_hub_name, place_fetched, place_named
from headscope.models.io.near_names import known_names
from headscope.models.io.whole_file import refuse_unwritable

WEIGHED = ("target", "distractor")  # tokens that patching weighs
DEFAULTS = {"embedding": "token", "distance": 0}
FORMATS = ("float32", "float64", "bfloat16", "float16", "auto")
ALL = "all"
ZOO = Path(models.__file__).parent / "zoo"


def refuse_conflicts(what: Collection[str], options: Mapping[str, object], *, as_json: bool, as_csv: bool) -> None:
    """Raise ValueError for two formats, tokens to weigh but nothing to patch from, and an option that nobody reads."""
    if as_json and as_csv:
        raise ValueError("--json and --csv both go to standard output: choose one of them")
    if options["corrupt"] == "":
        raise ValueError("--corrupt is empty: give a prompt as long as the prompt, to patch from")
    entry = [name for name, value in options.items() if value != DEFAULTS.get(name)]
    for name in entry:
        if name in WEIGHED and "corrupt" not in entry:
            raise ValueError(f"--{name} is a token that patching weighs: give it a prompt to patch from with --corrupt")
        readers = [analysis for analysis, item in listed_analyses().items() if name in item.reads]
        if what and not {*readers} & {*what}:
            raise ValueError(
                f"--{name} was given, but only {', '.join(readers)} read it, and --what names none of them"
            )


def refuse_hidden(*, is_asked: bool, is_table: bool) -> None:
    """Raise ValueError for heads to show where no table is printed that shows them."""
    if is_asked and not is_table:
        raise ValueError("--layer and --head choose rows of the table and of --csv: --json and --html hold every head")


def refuse_missing(names: Sequence[str], html: Path | None) -> None:
    """Raise ValueError for no model, the same one twice, and where a report could not be written."""
    if len({*names}) < len(names):
        raise ValueError(f"--compare sets another model beside the first, got {names[0]!r} twice")
    shipped = sorted(config.parent.name for config in ZOO.glob("*/config.json"))
    for name in names:
        if name not in shipped and not is_hub_name(name) and not expanded_path(name).exists():
            known = known_names(name, shipped)
            raise ValueError(f"cannot load {name!r}: no such folder or file, and shipped models are {known}")
    if html:
        refuse_unwritable(html)


def fetch_or_refuse(names: Sequence[str], *, hub: bool) -> None:
    """Fetch models that are named as on the hub, where that was asked for; else raise ValueError for those not here."""
    for name in names:
        place_fetched(name) if hub else place_named(name)


def refuse_unknown_analyses(what: Collection[str]) -> None:
    """Raise ValueError for an analysis that there is not; the word for all of them stands alone."""
    known = listed_analyses()
    if unknown := [name for name in what if name not in known and [*what] != [ALL]]:
        raise ValueError(f"unknown analysis {unknown[0]!r}; known: {known_names(unknown[0], known)}")


def refuse_format(dtype: str | None) -> None:
    """Raise ValueError for what is no format of numbers."""
    if dtype is not None and dtype not in FORMATS:
        raise ValueError(f"unknown dtype {dtype!r}; known: {known_names(dtype, FORMATS)}")

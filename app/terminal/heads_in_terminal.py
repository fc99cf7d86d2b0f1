"""Heads in the terminal: a row per head, as many numbers as fit, each beside its null."""

import math
from collections.abc import Collection, Sequence
from itertools import takewhile
from textwrap import wrap

import numpy as np
import torch
from rich.box import SIMPLE
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from headscope.interp.asking.findings import Findings
from headscope.interp.asking.head_columns import HeadColumns, as_numbers, places_of, rows_in_order
from headscope.interp.asking.listed_rows import telling_numbers
from headscope.interp.asking.same_numbers import word
from headscope.interp.asking.standing_out import SPREADS, head_numbers, how_many_in_words, null_name, spreads_away
from headscope.interp.results.head_score import head_name
from headscope.interp.results.numbers import is_null, numbers_per_head

PLACE = ("model", "layer", "head", "attention")
NARROW, UNBOUNDED = 14, 100_000
ABOVE, BELOW = "▲", "▼"
STAR, STARRED = "*", "depends on the gauge, a change of weights that leaves the model's function alone"


def numbers_by_rank(columns: Sequence[str], only_telling: bool) -> list[str]:
    """The scores of a table of heads, telling ones first or, where there are any, alone; nulls stand beside them."""
    scores = [name for name in columns if name not in PLACE and not is_null(name.split(".", 1)[1])]
    telling = [name for name in telling_numbers() if name in scores]
    return telling if only_telling and telling else [*telling, *(name for name in scores if name not in telling)]


def numbers_that_fit(heads: HeadColumns, numbers: Sequence[str], free: Collection[str], width: int) -> Sequence[str]:
    """The first of the numbers, as many as the width holds, one at least.

    free: the numbers that depend on a gauge, as analysis.field or analysis.field.label; they are starred.
    """
    tables = (heads_table(heads, numbers[:count], free) for count in range(1, len(numbers) + 1))
    return numbers[: max(1, sum(1 for _ in takewhile(lambda table: width_of(table) <= width, tables)))]


def heads_table(heads: HeadColumns, numbers: Sequence[str], free: Collection[str]) -> Table:
    """The table of heads with these numbers, those that depend on a gauge with a star."""
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left")
    columns = {header(name) + STAR * (name in free): cells(heads, name) for name in numbers}
    names = [head_name(*place) for place in places_of(heads)]
    places: dict[str, list[str]] = {"head": names, "attention": [str(name) for name in heads["attention"]]}
    if len({*heads["model"]}) > 1:
        places = {"model": [str(name) for name in heads["model"]], **places}
    for title in places:
        table.add_column(title, no_wrap=True)
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in zip(*places.values(), *columns.values(), strict=True):
        table.add_row(*row)
    return table


def width_of(table: Table) -> int:
    """Characters that a table takes where nothing bounds it."""
    console = Console(width=UNBOUNDED)
    return Measurement.get(console, console.options, table).maximum


def header(name: str) -> str:
    """The words of `analysis.field` below one another."""
    return "\n".join(line for part in name.replace("_", " ").split(".") for line in wrap(part, NARROW))


def cells(heads: HeadColumns, name: str) -> list[str]:
    """A number of every head with a mark where it stands out, its null in brackets where it has one that can differ."""
    words = [word(value) + mark for value, mark in zip(heads[name].tolist(), marks(heads, name), strict=True)]
    if not has_null(heads, name):
        return words
    spread = null_name(name, "_null_spread")
    widths = as_numbers(heads[spread]) if spread in heads else [math.inf] * len(heads[name])
    rows = zip(as_numbers(heads[name]), heads[null_name(name)].tolist(), widths, strict=True)
    others = [f" ({word(null)})" if value == value and width > 0 else "" for value, null, width in rows]
    return [item + null for item, null in zip(words, others, strict=True)]


def has_null(heads: HeadColumns, name: str) -> bool:
    """Whether a number has a null, and one that can differ: it has a spread, or is not the number itself."""
    null, spread = null_name(name), null_name(name, "_null_spread")
    if null not in heads:
        return False
    if spread in heads:
        return bool((as_numbers(heads[spread]) > 0).any())
    return not np.array_equal(as_numbers(heads[null]), as_numbers(heads[name]), equal_nan=True)


def marks(heads: HeadColumns, name: str) -> list[str]:
    """Above or below its null by more than SPREADS, of every head."""
    return [ABOVE if item > SPREADS else BELOW if item < -SPREADS else "" for item in heads_away(heads, name)]


def heads_away(heads: HeadColumns, name: str) -> list[float]:
    """How many of the null's spreads a number lies above it; 0 where that is not known."""
    columns = (name, null_name(name), null_name(name, "_null_spread"))
    if columns[-1] not in heads:
        return [0.0] * len(heads[name])
    return spreads_away(*(torch.from_numpy(as_numbers(heads[column])) for column in columns)).tolist()


def standing_out_first(heads: HeadColumns, numbers: Sequence[str]) -> HeadColumns:
    """Of each model the heads that stand out, in most of the numbers first, then furthest; then the others."""
    away = zip(*(map(abs, heads_away(heads, name)) for name in numbers), strict=True)
    ranks = [(sum(item > SPREADS for item in of_head), max(of_head)) for of_head in away]
    models = list(dict.fromkeys(heads["model"]))
    places = [models.index(name) for name in heads["model"]]
    order = [(place, -count, -furthest * bool(count)) for place, (count, furthest) in zip(places, ranks, strict=True)]
    return rows_in_order(heads, sorted(range(len(order)), key=order.__getitem__))


def heads_caption(heads: HeadColumns, shown: Sequence[str], free: Collection[str]) -> str:
    """What brackets and stars are, and how many columns of the whole table are not shown."""
    taken = {*PLACE, *shown, *map(null_name, shown)}
    more = sum(name not in taken for name in heads)
    brackets = "In brackets: the null. " if any(has_null(heads, name) for name in shown) else ""
    is_marked = any(any(marks(heads, name)) for name in shown)
    far = f"{ABOVE} {BELOW}: more than {SPREADS:g} spreads above or below it; such heads first. " if is_marked else ""
    stars = f"{STAR}: {STARRED}. " if any(name in free for name in shown) else ""
    rest = f"{more} more column{'s' * (more > 1)}: --csv, --json and --html give all." if more else ""
    return f"{brackets}{far}{stars}{rest}".strip()


def arrival_in_words(findings: Findings) -> str:
    """One analysis that has just been finished, and which heads stand out in it, if it has a number of every head."""
    [(name, result)] = findings.items()
    numbers = head_numbers(findings, [f"{name}.{column}" for column in numbers_per_head(result)])
    return f"{name}: {how_many_in_words(numbers) if numbers else 'finished'}"

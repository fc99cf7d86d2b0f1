"""A stranger's variant: the file in the docs' page "Add a variant", and the laws that it must keep."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import attention_cases
import pytest
import test_rows
import tiny_decoders
from written_pages import PYTHON

from headscope import AttentionSpec
from headscope.models.attention import VARIANTS

[SOURCE] = PYTHON["docs/how_to/add_a_variant.md"]
NAME = "softplus"
SPECS: dict[str, dict[str, Any]] = {
    NAME: {},
    f"{NAME} shifted": {"shift": -2.0},
    f"{NAME} learned": {"shift": -1.0, "learned": True},
}
FAMILIES = ("llama", "gpt2")
PAIRS = (tiny_decoders.PAIRS, tiny_decoders.EVERY_PAIR)
TABLES = (VARIANTS, attention_cases.CASES, test_rows.CASES, tiny_decoders.SPECS, *PAIRS)


@contextmanager
def added_to_the_table(folder: Path) -> Iterator[None]:
    """The page's file is imported, which adds its row; the tables are as before when it is left."""
    place = folder / f"{NAME}.py"
    place.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(NAME, place)
    assert spec is not None and spec.loader is not None
    with patch.dict(VARIANTS), patch.dict(attention_cases.CASES), patch.dict(tiny_decoders.SPECS):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        attention_cases.CASES.update(attention_cases.cases_of(NAME))
        tiny_decoders.SPECS.update({name: AttentionSpec(NAME, **options) for name, options in SPECS.items()})
        yield


class Law(NamedTuple):
    """A test that runs over a table of variants."""

    module: ModuleType
    name: str

    def calls(self) -> Iterator[dict[str, Any]]:
        """Its arguments for the new row, with everything that it is parametrised over besides."""
        columns = [column(*mark.args) for mark in marks(getattr(self.module, self.name))]
        for row in product(*columns):
            yield {name: value for cell in row for name, value in cell.items()}


def laws(module: ModuleType) -> list[Law]:
    """Those of a file of tests."""
    tests = {name: marks(test) for name, test in vars(module).items() if name.startswith("test_") and callable(test)}
    return [Law(module, name) for name, those in tests.items() if any(is_table(mark.args[1]) for mark in those)]


def is_table(values: Any) -> bool:
    """Whether a test is parametrised over one of the tables."""
    return any(values is table for table in TABLES)


def marks(test: Any) -> list[pytest.Mark]:
    """What a test is parametrised over."""
    return [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]


def column(names: str | tuple[str, ...], values: Any) -> list[dict[str, Any]]:
    """Arguments by name, of the new rows in the place of a table's."""
    rows = new_rows(values) or list(values)
    return [{names: row} if isinstance(names, str) else dict(zip(names, row, strict=True)) for row in rows]


def new_rows(table: Any) -> list[Any]:
    """What the new row adds to a table that tests run over; nothing to anything else."""
    cases = attention_cases.cases_of(NAME)
    rows = ([NAME], [*cases], [*cases.values()], [*SPECS], *[[*product(FAMILIES, SPECS)] for _ in PAIRS])
    return next((new for known, new in zip(TABLES, rows, strict=True) if known is table), [])

"""Analyses listed: name and summary of every analysis, read from the rows' text, as to import them takes seconds."""

import ast
from collections.abc import Iterator
from pathlib import Path

from headscope import interp

FOLDER = Path(interp.__file__).parent
KINDS = ("Analysis", "Probe")


def summaries() -> dict[str, str]:
    """Name -> summary, in the order of the table. Law: the table's own names and summaries."""
    table = ast.parse((FOLDER / "asking" / "table.py").read_text(encoding="utf-8"))
    files = {
        alias.asname: FOLDER.parent / f"{(line.module or '').removeprefix('headscope.').replace('.', '/')}.py"
        for line in table.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    [parts] = [line for line in table.body if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Tuple)]
    names = [one.id for one in ast.walk(parts.value or parts) if isinstance(one, ast.Name)]
    return {name: summary for part in names for name, summary in rows_of(files[part])}


def rows_of(file: Path) -> Iterator[tuple[str, str]]:
    """The two first arguments of every row of a part."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            name, summary = (ast.literal_eval(argument) for argument in node.args[:2])
            yield name, summary

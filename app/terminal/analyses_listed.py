"""Analyses listed: what the command says of every analysis, from the rows' text, as to import them takes seconds."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headscope import interp
from headscope.models.hosts.words import TEXT_WORDS, filled

FOLDER = Path(interp.__file__).parent
KINDS = ("Analysis", "Probe")


@dataclass(frozen=True)
class ListedAnalysis:
    """What the text of a row says of it: its question, and which choices it reads."""

    summary: str
    reads: tuple[str, ...]


def listed_analyses() -> dict[str, ListedAnalysis]:
    """By name, in the order of the table. Law: the table's own names, summaries and readers."""
    table = ast.parse((FOLDER / "asking" / "table.py").read_text(encoding="utf-8"))
    files = {
        alias.asname: FOLDER.parent / f"{(line.module or '').removeprefix('headscope.').replace('.', '/')}.py"
        for line in table.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    [parts] = [line for line in table.body if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Tuple)]
    names = [item.id for item in ast.walk(parts.value or parts) if isinstance(item, ast.Name)]
    return {name: listed for part in names for name, listed in analysis_rows(files[part])}


def analysis_rows(file: Path) -> Iterator[tuple[str, ListedAnalysis]]:
    """Every row of a part, by its name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS:
            name, summary = (ast.literal_eval(argument) for argument in node.args[:2])
            reads = [ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg == "reads"]
            yield name, ListedAnalysis(filled(summary, TEXT_WORDS), *reads or [()])

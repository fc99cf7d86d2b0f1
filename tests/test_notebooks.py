"""The notebooks: stored without outputs, short, and they run from top to bottom without a network."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 6


@every_notebook
def test_outputs_are_not_stored(path: Path) -> None:
    cells = code(nbformat.read(path, as_version=4))
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count] == []


@every_notebook
def test_it_opens_with_a_question_and_its_cells_are_short(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    assert book.cells[0].cell_type == "markdown" and book.cells[0].source.startswith("# ")
    assert [cell.source for cell in code(book) if cell.source.count("\n") >= 15] == []


@every_notebook
def test_it_runs_from_top_to_bottom(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = [output.data for cell in code(book) for output in cell.outputs if "data" in output]
    figures = [data[PLOTLY] for data in shown if PLOTLY in data]
    assert len(figures) >= 2 and all(figure["data"] for figure in figures)

"""The notebooks: stored with what their cells give, which is what they still give, without a network."""

from pathlib import Path

import nbformat
import pytest

from notebooks.likeness import alike_words, differences
from notebooks.store import KEPT, QUIET, executed, lean, shown

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLOTLY, SVG = "application/vnd.plotly.v1+json", "image/svg+xml"
MOST_BYTES = 5 * 2**20

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 6


def test_all_of_them_are_small() -> None:
    assert sum(path.stat().st_size for path in NOTEBOOKS) < MOST_BYTES


@every_notebook
def test_outputs_are_stored_in_order_and_as_a_page_shows_them(path: Path) -> None:
    cells = code(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert {kind for output in outputs for kind in output.get("data", {})} <= set(KEPT)
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data", "stream"}
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert sum(SVG in output.get("data", {}) for output in outputs) >= 2


@every_notebook
def test_it_opens_with_a_question_answers_it_in_words_and_its_cells_are_short(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    assert book.cells[0].cell_type == "markdown" and book.cells[0].source.startswith("# ")
    assert book.cells[-1].cell_type == "markdown"
    assert [cell.source for cell in code(book) if cell.source.count("\n") >= 15] == []


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if at % 2 else []) for at, path in enumerate(NOTEBOOKS)],
    ids=[path.stem for path in NOTEBOOKS],
)
def test_it_gives_what_is_stored(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    fresh = executed(path)
    given = [output.data for cell in code(fresh) for output in cell.outputs if "data" in output]
    assert all(data[PLOTLY]["data"] for data in given if SVG in data)
    assert differences(nbformat.read(path, as_version=4), shown(fresh)) == []


def book_of(text: str, picture: str = "<svg><text>layer</text><text>1.5</text></svg>") -> nbformat.NotebookNode:
    v4 = nbformat.v4
    output = v4.new_output("display_data", {SVG: picture, "text/plain": text})
    return v4.new_notebook(cells=[v4.new_code_cell("1", outputs=[output], execution_count=1)])


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("loss +0.512 nats", "loss +0.511 nats", True),
        ("loss +0.512 nats", "loss −0.512 nats", False),
        ("loss 0.512 nats", "loss 0.612 nats", False),
        ("loss 0.512 nats", "gain 0.512 nats", False),
        ("changed at 37%", "changed at 42%", False),
        ("1 2", "1 2 3", False),
    ],
)
def test_words_are_the_same_and_numbers_nearly(one: str, other: str, is_alike: bool) -> None:
    assert alike_words(one, other) == is_alike
    assert (differences(book_of(one), book_of(other)) == []) == is_alike


def test_a_picture_with_other_words_is_another() -> None:
    same, other = (f"<svg><text>{word}</text><text>1.6</text></svg>" for word in ("layer", "head"))
    assert differences(book_of("a"), book_of("a", same)) == []
    assert differences(book_of("a"), book_of("a", other)) == ["cell 0: its image/svg+xml says other things"]


def test_what_no_page_shows_is_not_stored() -> None:
    [output] = book_of("a").cells[0].outputs
    output.data |= {"text/html": "<b>", PLOTLY: {"data": []}}
    assert set(lean(output).data) == {SVG, "text/plain"}


def test_a_warning_is_not_stored() -> None:
    book = book_of("a")
    book.cells[0].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="careful"))
    with pytest.raises(RuntimeError, match="careful"):
        shown(book)

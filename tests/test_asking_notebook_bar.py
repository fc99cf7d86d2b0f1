"""Progress in notebooks: a bar where a kernel analyses for long and nobody else watches, and nothing elsewhere."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tiny_models import hooked_tiny

from headscope.interp.asking import notebook_bar
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.notebook_bar import runs_in_a_notebook
from notebooks.store import QUIET

TESTS = Path(__file__).parent
WIDGET = "application/vnd.jupyter.widget-view+json"
SET_UP = f"import sys; sys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]; from tiny_models import hooked_tiny"
CALL = """from headscope import analyse; from headscope.interp.asking import notebook_bar; notebook_bar.DELAY = 0
found = analyse(hooked_tiny("cog"), "x y", ["copying", "squashing"])"""


def pretend_kernel(monkeypatch: pytest.MonkeyPatch, kernel: Any) -> None:
    shell = SimpleNamespace(kernel=kernel)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def outputs_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[Any]:
    """What a notebook shows that analyses in its second cell."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    v4 = nbformat.v4
    book = v4.new_notebook(cells=[v4.new_code_cell(SET_UP), v4.new_code_cell(CALL)])
    NotebookClient(book, timeout=120).execute()
    return [output for cell in book.cells for output in cell.outputs]


@pytest.mark.slow
def test_a_notebook_shows_a_bar_of_the_analyses(monkeypatch: pytest.MonkeyPatch) -> None:
    [bar] = outputs_of(monkeypatch)
    assert WIDGET in bar.data and "analyses" in bar.data["text/plain"]


@pytest.mark.slow
def test_a_notebook_that_is_stored_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outputs_of(monkeypatch, **QUIET) == []


def test_a_kernel_is_told_from_a_script_and_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not runs_in_a_notebook()
    pretend_kernel(monkeypatch, None)
    assert not runs_in_a_notebook()
    pretend_kernel(monkeypatch, object())
    assert runs_in_a_notebook()


@pytest.mark.parametrize(
    ("in_kernel", "delay", "is_watched", "is_drawn"),
    [
        (True, 0, False, True),
        (True, 60, False, False),
        (True, 0, True, False),
        (False, 0, False, False),
    ],
    ids=["notebook", "a moment", "watched", "script"],
)
def test_a_bar_is_drawn_in_a_notebook_alone_for_what_takes_long_and_nobody_watches(
    in_kernel: bool,
    delay: float,
    is_watched: bool,
    is_drawn: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = []

    class Bar:
        n = 0

        def __init__(self, **how: Any) -> None:
            bars.append(self)

        def update(self, count: int) -> None:
            self.n += count

        def set_postfix_str(self, text: str) -> None:
            self.text = text

        def close(self) -> None:
            self.is_closed = True

    pretend_kernel(monkeypatch, object() if in_kernel else None)
    monkeypatch.setattr(notebook_bar, "DELAY", delay)
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=Bar))
    watch = (lambda *said: None) if is_watched else None
    analyse(hooked_tiny("cog"), "x y", ["copying", "squashing"], watch=watch)
    assert [(bar.n, bar.text.split(":")[0], bar.is_closed) for bar in bars] == [(2, "squashing", True)] * is_drawn
    assert capsys.readouterr() == ("", "")

"""What takes long waits for a button that says about how long; a grid that cannot differ is a sentence."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest
from tiny_models import CORPUS, tiny_folder, tiny_model

from headscope.app.figure.constant import constant_value
from headscope.app.frame import when_asked
from headscope.app.frame.when_asked import PENDING
from headscope.app.serving.kept_results import KeptResults
from headscope.interp.circuits import diagonal_ranks
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import hooked

ROOT = Path(__file__).parents[1]
SQUASHING = "How much the last output depends on each token"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of its own, whose model nobody asked anything yet."""
    return tiny_folder(tmp_path / "softmax", "softmax")


def shown(name: str, folder: Path, **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    for field, value in {
        "model": "a folder",
        "folder": str(folder),
        "prompt": CORPUS[1][:40],
        "more": "true",
        **query,
    }.items():
        test.query_params[field] = value
    test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    return ran(test)


def ran(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception and not test.error, [*test.exception, *test.error]
    return test


def offers(test: AppTest) -> list[str]:
    """What the buttons would compute."""
    return [button.label.split(" (about ")[0] for button in test.button if " (about " in button.label]


def titles(test: AppTest) -> list[str]:
    return [one.value for one in test.subheader]


def test_what_takes_long_waits_for_its_button_and_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(when_asked, "PATIENCE", 0.0)
    test = shown("collapse", folder)
    assert SQUASHING in offers(test) and SQUASHING not in titles(test)
    next(button for button in test.button if button.label.startswith(SQUASHING)).click()
    ran(test)
    assert SQUASHING in titles(test) and PENDING not in test.session_state
    assert SQUASHING in titles(shown("collapse", folder)) and SQUASHING not in offers(test)


def test_what_was_stopped_does_not_begin_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(when_asked, "PATIENCE", 0.0)
    test = shown("collapse", folder)
    button = next(button for button in test.button if button.label.startswith(SQUASHING))
    monkeypatch.setattr(when_asked, "stoppable_result", lambda work, compute: None)  # as if a click had ended it
    button.click()
    ran(test)
    assert SQUASHING not in titles(ran(test)) and SQUASHING in offers(test)


def test_numbers_of_heads_that_take_long_come_when_they_are_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(when_asked, "PATIENCE", 0.0)
    test = shown("heads", folder)
    assert "diagonal ranks" in offers(test)
    assert "diagonal_ranks.row_rank" not in test.selectbox(key="statistic").options
    next(button for button in test.button if button.label.startswith("diagonal ranks")).click()
    ran(test)
    assert "diagonal ranks · row rank" in test.selectbox(key="statistic").options
    assert "diagonal ranks" not in offers(test)


def test_what_is_quick_is_shown_at_once(folder: Path) -> None:
    assert offers(shown("collapse", folder)) == []


def test_the_negative_mass_of_softmax_does_not_apply(folder: Path) -> None:
    told = [box.value for box in shown("deletion", folder).info]
    assert any("never negative" in words for words in told)
    page = shown("heads", folder)
    assert page.selectbox(key="statistic").value == "row_statistics.entropy" and not page.info


def test_the_negative_mass_of_cog_applies(tmp_path: Path) -> None:
    assert not shown("deletion", tiny_folder(tmp_path / "cog", "cog")).info


@pytest.mark.parametrize(
    ("cells", "value"),
    [([[0.0, 0.0]], 0.0), ([[1.0, 1.0 + 1e-8]], 1.0), ([[0.0, 0.1]], None), ([[0.5]], None), ([[np.nan, 2.0]], None)],
)
def test_a_grid_is_constant_where_several_cells_have_one_number(cells: list[list[float]], value: float | None) -> None:
    assert constant_value(go.Figure([go.Heatmap(z=np.array(cells))])) == value


def test_bars_are_no_constant_grid() -> None:
    assert constant_value(go.Figure([go.Bar(y=np.zeros(3))])) is None


def test_what_is_kept_can_be_asked_without_computing_it() -> None:
    kept = KeptResults()
    assert "a" not in kept and kept.of("a", lambda: 1) == 1 and "a" in kept


def test_ranks_say_how_far_they_are() -> None:
    told: list[tuple[int, int]] = []
    weights = head_weights(hooked(tiny_model("cog")))
    diagonal_ranks(weights, watch=lambda done, total: told.append((done, total)))
    heads = weights.W_V.shape[:2].numel()
    assert told[-1][0] == told[-1][1] > heads and len(told) == told[-1][1]

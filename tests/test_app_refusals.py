"""What a page does with broken files and folders: a box in one sentence, with the sidebar and the rest of the page."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from test_io_foreign_input import panic
from tiny_models import CORPUS, tiny_folder
from transformers import PreTrainedTokenizerBase

from headscope.app.panels.experiments import experiment_title
from headscope.interp.experiments.engine.publishing import all_shipped_names, results_file

ROOT = Path(__file__).parents[1]
FIRST = all_shipped_names()[0]
MACHINE = {"device": "CPU", "cores": 2, "threads": 1, "processes": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a snapshot beside it."""
    place = tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog")
    tiny_folder(place / "step-000010", "cog")
    return place


def tried(name: str = "", **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    for field, value in {"model": "a folder", "prompt": CORPUS[0], **query}.items():
        test.query_params[field] = value
    if name:
        test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    return test.run()


def boxes(test: AppTest) -> list[str]:
    """What the boxes say; the page ended in nothing else, and the sidebar is there."""
    assert not test.exception, [*test.exception]
    assert test.sidebar.selectbox(key="model").value == "a folder"
    return [box.value.replace("\\", "") for box in test.error]


def test_the_home_of_nobody_leaves_the_sidebar() -> None:
    assert "home of nobody here" in boxes(tried(folder="~nobody-of-this-name"))[0]


def test_a_panic_of_the_tokenizer_leaves_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert boxes(tried(folder=str(folder))) == []
    monkeypatch.setattr(PreTrainedTokenizerBase, "encode", panic)
    assert "fails on this text" in boxes(tried(folder=str(folder), prompt="a text that is not kept yet"))[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.jsonl", "{\n"),
        ("history.jsonl", '{"step": "x"}\n'),
        ("history.jsonl", '{"step": 1, "loss": [1]}\n'),
        ("training.json", "{"),
        ("training.json", '{"steps": "many"}'),
    ],
)
def test_a_broken_run_leaves_the_rest_of_the_page(name: str, content: str, folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(folder, tmp_path / "run"))
    (run / name).write_text(content)
    test = tried("compare", folder=str(run), compare_tab="Training")
    told = boxes(test)
    assert told and all(name in words for words in told)
    assert test.multiselect(key="runs").value == ["run"]


@pytest.mark.parametrize("change", [{"machine": {}}, {"machine": {**MACHINE, "cores": None, "processes": "x"}}])
def test_results_with_strange_facts_leave_the_page(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "runs" / "experiments" / FIRST / "default" / "results.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({**json.loads(results_file(FIRST).read_text()), **change}))
    told = boxes(tried("experiments", experiment=experiment_title(f"{FIRST}, default run")))
    assert told and "results.json" in told[0]

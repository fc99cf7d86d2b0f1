"""A run that was killed at any moment goes on to the loss curve and the weights of one that was not."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import tiny_recipe, write_text

from headscope.models.checkpoints import open_folder
from headscope.models.fitting.history import read_history
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe

MOMENTS = {
    "before it is a run": ("headscope.models.training.run", "write_json", 2),
    "before its first step": ("headscope.models.fitting.fit", "append_record", 1),
    "before its first saved state": ("headscope.models.fitting.fit", "append_record", 3),
    "between two saved states": ("headscope.models.fitting.fit", "append_record", 7),
    "while it saves its state": ("headscope.models.fitting.state.os", "fsync", 2),
    "while it saves a snapshot": ("headscope.models.checkpoints.saving", "write_config", 1),
    "while it saves its model": ("headscope.models.checkpoints.saving", "write_config", 2),
}
HOLD = "import filelock, sys; held = filelock.FileLock(sys.argv[1]).acquire(); print('held', flush=True); input()"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.fixture(scope="module")
def recipe(home: Path) -> Recipe:
    recipe = tiny_recipe(write_text(home), steps=10, save_every=4)
    recipe.model["attention_dropout"] = 0.2
    return recipe


@pytest.fixture(scope="module")
def uninterrupted(home: Path, recipe: Recipe) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        train(recipe, home / "whole")
    return home / "whole"


def curve(run: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in one.items() if name != "seconds"} for one in read_history(run / "history.jsonl")
    ]


def dying(module: str, name: str, call: int) -> None:
    """Make the process end by SIGKILL when it calls a function the `call`-th time."""
    holder: Any = import_module(module.removesuffix(".os"))
    holder = holder.os if module.endswith(".os") else holder
    original: Callable[..., Any] = getattr(holder, name)
    calls = iter(range(1, call + 1))

    def counted(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(holder, name, counted)


def train_until_killed(recipe: Recipe, folder: Path, moment: str) -> None:
    dying(*MOMENTS[moment])
    train(recipe, folder)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    moment: str, recipe: Recipe, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    child = get_context("fork").Process(target=train_until_killed, args=(recipe, run, moment))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    train(recipe, run)
    assert curve(run) == curve(uninterrupted)
    assert open_folder(run).fingerprint == open_folder(uninterrupted).fingerprint
    assert open_folder(run / "step-000005").fingerprint == open_folder(uninterrupted / "step-000005").fingerprint
    assert [path.name for path in tmp_path.rglob("*.partial")] == []


def test_ctrl_c_loses_no_step(recipe: Recipe, uninterrupted: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    def watch(record: dict[str, Any]) -> None:
        seen.append(record["step"])
        if record["step"] == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after step 7 of 10"):
        train(recipe, tmp_path / "run", watch)
    train(recipe, tmp_path / "run", watch)
    assert seen == list(range(11))
    assert curve(tmp_path / "run") == curve(uninterrupted)
    assert open_folder(tmp_path / "run").fingerprint == open_folder(uninterrupted).fingerprint


def test_the_loss_falls(uninterrupted: Path) -> None:
    losses = [record["validation_loss"] for record in curve(uninterrupted) if "validation_loss" in record]
    assert [record["step"] for record in curve(uninterrupted)] == list(range(11))
    assert losses[-1] < losses[0] - 0.1


def test_a_finished_run_stays_as_it_is(recipe: Recipe, uninterrupted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(uninterrupted, tmp_path / "run"))
    train(recipe, run)
    assert curve(run) == curve(uninterrupted)
    assert open_folder(run).fingerprint == open_folder(uninterrupted).fingerprint


def test_a_folder_with_other_files_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty and holds no run; train into another folder"):
        train(recipe, tmp_path)


def test_another_text_is_refused(recipe: Recipe, uninterrupted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(uninterrupted, tmp_path / "run"))
    text = Path(recipe.data["path"])
    before = text.read_text(encoding="utf-8")
    try:
        text.write_text(before + "more", encoding="utf-8")
        with pytest.raises(ValueError, match="the corpus changed since this run began"):
            train(recipe, run)
    finally:
        text.write_text(before, encoding="utf-8")


def test_a_folder_is_trained_in_by_one_process_at_a_time(recipe: Recipe, uninterrupted: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(uninterrupted, tmp_path / "run"))
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(run / "run.lock")], stdin=pipe, stdout=pipe, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (run / "machine.json").write_text("{}")
    try:
        with pytest.raises(ValueError, match="another process trains in"):
            train(recipe, run)
        assert (run / "machine.json").read_text() == "{}"
    finally:
        holder.kill()
        holder.communicate()
    train(recipe, run)

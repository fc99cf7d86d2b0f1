"""Two processes on a CPU train as one: the same losses from the same batches, shared out."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_runs import ROOT, tiny_plain, write_text

from headscope.models.checkpoints import open_folder
from headscope.models.fitting.history import Record, read_history
from headscope.models.training.loop import train
from headscope.models.training.recipe_file import read_recipe

MOST_SECONDS = 240
KILLED = """
import os
from headscope.app.terminal.command import main
from test_training_resume import dying

if os.environ["RANK"] == "0":
    dying("headscope.models.fitting.fit", "append_record", 5)  # of six, after a state was kept
main()
"""


def ended_two(script: list[str], recipe: Path, out: Path, home: Path) -> tuple[int, str]:
    """The exit code of `torchrun` with two processes, and what it printed; all are killed when they do not end."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launched = subprocess.Popen(
        [*command, *script, "train", str(recipe), "--out", str(out)],
        env={**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = launched.communicate(timeout=MOST_SECONDS)
    finally:
        if launched.poll() is None:
            os.killpg(launched.pid, signal.SIGKILL)
            launched.communicate()
    return launched.returncode, printed


def run_two(recipe: Path, out: Path, home: Path) -> str:
    """What two processes printed that came to their end."""
    code, printed = ended_two(["-m", "headscope.app.terminal.command"], recipe, out, home)
    assert code == 0, printed
    return printed


def run_two_until_killed(recipe: Path, out: Path, home: Path) -> None:
    """The first of two processes dies before its fifth step is written down; the other one is ended with it."""
    (home.parent / "killed.py").write_text(KILLED)
    code, printed = ended_two([str(home.parent / "killed.py")], recipe, out, home)
    assert code != 0 and "SIGKILL" in printed and out.is_dir()
    assert "trained: " not in printed


def column(history: list[Record], name: str) -> list[float]:
    return [record[name] for record in history if name in record]


WHOLE = pytest.param(False, marks=pytest.mark.slow, id="whole")  # which the killed one is compared with, too


@pytest.mark.parametrize("is_killed", [WHOLE, pytest.param(True, id="killed")])
def test_two_processes_give_the_losses_of_one(is_killed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(tiny_plain(write_text(tmp_path))))
    train(read_recipe(recipe), tmp_path / "one")
    if is_killed:
        run_two_until_killed(recipe, tmp_path / "two", tmp_path / "cache")
    printed = run_two(recipe, tmp_path / "two", tmp_path / "cache")
    assert printed.count("trained: ") == 1
    assert [json.loads((tmp_path / run / "machine.json").read_text())["processes"] for run in ("one", "two")] == [1, 2]
    one, two = (read_history(tmp_path / run / "history.jsonl") for run in ("one", "two"))
    assert column(two, "step") == column(one, "step")
    for name in ("loss", "validation_loss"):
        assert column(two, name) == pytest.approx(column(one, name), abs=1e-5)
    ids = torch.arange(1, 17)[None]
    ones, twos = (open_folder(tmp_path / run).model(ids).logits for run in ("one", "two"))
    torch.testing.assert_close(twos, ones, atol=1e-3, rtol=1e-3)

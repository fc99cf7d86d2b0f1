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


def run_two(recipe: Path, out: Path, home: Path) -> str:
    """What `torchrun` with two processes printed; all of them are killed when they do not end."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "headscope.app.terminal.command", "train", str(recipe), "--out", str(out)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    launched = subprocess.Popen(
        command,
        env=environment,
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
    assert launched.returncode == 0, printed
    return printed


def column(history: list[Record], name: str) -> list[float]:
    return [record[name] for record in history if name in record]


def test_two_processes_give_the_losses_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(tiny_plain(write_text(tmp_path))))
    train(read_recipe(recipe), tmp_path / "one")
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

"""The machine of a measurement: what a run must share with another to be equal bit for bit, and no name or address."""

import subprocess
from pathlib import Path

import pytest
import torch

from headscope.models.fitting import machine
from headscope.models.fitting.machine import UNKNOWN, Machine, commit_of, machine_facts


def test_the_facts_are_those_of_the_record() -> None:
    facts = Machine(**machine_facts())
    assert facts.cpu == torch.backends.cpu.get_cpu_capability()
    assert (facts.torch, facts.torch_build) == (torch.__version__, torch.version.git_version)


def test_a_file_of_no_repository_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / "file.py").touch()
    assert commit_of(tmp_path / "file.py") == UNKNOWN


def test_without_git_no_commit_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine_facts()["commit"] == UNKNOWN


def test_git_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(*words: str, folder: Path) -> str:
        raise subprocess.TimeoutExpired("git", 10)

    monkeypatch.setattr(machine, "git_words", wait)
    assert machine_facts()["commit"] == UNKNOWN


def test_a_file_of_a_repository_has_its_commit_and_says_what_is_changed(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    file = tmp_path / "file.py"
    file.write_text("x = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "A file")
    head = git("rev-parse", "HEAD").strip()
    assert commit_of(file) == head
    file.write_text("x = 2\n")
    assert commit_of(file) == f"{head}-dirty"
    (tmp_path / "other.py").touch()  # it is in the folder, not in the repository
    assert commit_of(tmp_path / "other.py") == UNKNOWN

"""The Makefile: the app installs what it needs itself, tests add their tools, and nothing is installed twice."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAMPS = (".installed-app", ".installed")


def commands(target: str, environment: Path) -> list[str]:
    """What make would run for a target with that virtual environment."""
    made = ["make", "--dry-run", "--no-print-directory", target, f"VENV={environment}"]
    return subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def installed(target: str, environment: Path) -> list[str]:
    """What make would install for a target."""
    lines = commands(target, environment)
    return [line.rpartition("--editable ")[2].strip("'") for line in lines if "--editable" in line]


def stamped(environment: Path, *stamps: str, later: int = 60) -> Path:
    """An environment that holds what the stamps say, since so many seconds after the pins last changed."""
    pins = max((ROOT / name).stat().st_mtime for name in ("pyproject.toml", "constraints.txt"))
    for name in stamps:
        (environment / name).touch()
        os.utime(environment / name, (pins + later, pins + later))
    return environment


def test_the_app_is_installed_without_the_tools_of_tests(tmp_path: Path) -> None:
    assert installed("app", tmp_path) == [".[gguf]"]


@pytest.mark.parametrize("target", ["test", "lint", "e2e", "bench"])
def test_a_tool_is_installed_on_top_of_the_app(target: str, tmp_path: Path) -> None:
    assert installed(target, tmp_path) == [".[gguf]", ".[dev]"]
    assert installed(target, stamped(tmp_path, STAMPS[0])) == [".[dev]"]


def test_the_app_installs_nothing_after_the_tests(tmp_path: Path) -> None:
    assert commands("app", stamped(tmp_path, *STAMPS)) == [f"{tmp_path}/bin/headscope app"]


def test_new_pins_are_installed_for_both(tmp_path: Path) -> None:
    assert installed("lint", stamped(tmp_path, *STAMPS, later=-60)) == [".[gguf]", ".[dev]"]


def test_a_python_that_is_too_old_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    lines = commands("app", tmp_path)
    assert "needs Python 3.11 or newer" in lines[0] and any(f"-m venv {tmp_path}" in line for line in lines[1:])

"""A release: the changelog is cut, the version stands everywhere, and what is not committed or exists is refused."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / ".ci"))
from changelog import cut, released  # noqa: E402
from environments import interpreter  # noqa: E402
from release import VERSIONED, write_version  # noqa: E402

DAY = date(2026, 12, 1)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n- Better.\n\n## 0.1.0, 2026-01-01\n\n- First.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project of one commit, with the script that releases it."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    for name in VERSIONED:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    for command in ("init -q", "add .", "-c user.name=n -c user.email=e commit -qm first", "tag v0.2.0"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    return tmp_path


def refusal(repository: Path, version: str) -> str:
    """Why the script does not release that version."""
    command = [sys.executable, ".ci/release.py", version]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    return done.stderr.strip()


def test_the_newest_heading_becomes_the_version_with_its_date_and_nothing_else_changes() -> None:
    assert cut(CHANGELOG, "0.3.0", DAY) == CHANGELOG.replace("Unreleased", "0.3.0, 2026-12-01")
    assert released(cut(CHANGELOG, "0.3.0", DAY)) == ["0.3.0", "0.1.0"]


@pytest.mark.parametrize(
    ("text", "version", "reason"),
    [
        (CHANGELOG, "next", "a version is three numbers, .*; got 'next'"),
        (CHANGELOG, "0.1.0", "version 0.1.0 is in the changelog already"),
        (CHANGELOG.replace("Unreleased", "0.2.0, 2026-02-02"), "0.3.0", "nothing is written above '0.2.0, 2026-02-02'"),
        ("# Changelog\n", "0.3.0", "has no heading"),
    ],
)
def test_a_version_that_cannot_be_is_refused(text: str, version: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        cut(text, version, DAY)


def test_the_version_is_written_wherever_it_stands(repository: Path) -> None:
    write_version(repository, "7.8.9")
    assert [place.findall((repository / name).read_text()) for name, place in VERSIONED.items()] == [["7.8.9"]] * 2
    assert "## 7.8.9, " in (repository / "CHANGELOG.md").read_text()


def test_the_project_has_one_version() -> None:
    assert len({tuple(place.findall((ROOT / name).read_text())) for name, place in VERSIONED.items()}) == 1


def test_a_release_refuses_what_is_not_committed_and_a_version_that_exists(repository: Path) -> None:
    assert refusal(repository, "0.2.0") == "version 0.2.0 exists: git has the tag v0.2.0"
    assert "version 0.1.0 is in the changelog already" in refusal(repository, "0.1.0")
    (repository / "new.txt").write_text("")
    assert refusal(repository, "0.3.0") == "a release is made of what is committed; git status names ?? new.txt"


def test_a_python_that_is_not_here_is_not_made_up() -> None:
    assert interpreter("3.99") is None
    assert interpreter(f"{sys.version_info.major}.{sys.version_info.minor}") is not None

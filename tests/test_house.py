"""The house rules: imports go one way, requirements are pinned, no machine is named, every package is listed."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
# /home/me/ is nobody, as an example in a text field.
MACHINE_PATH = re.compile(r"(?<![\w.~<>-])/(?:root|home(?!/me/)|Users|opt|work|tmp)/[\w.]")
REGISTRY_HOST = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|pytorch[.]org/whl|--(?:extra-)?index-url"
)
PARTS = ("app", "interp", "models")
FULL = 20  # Python files of a folder
WHOLE = {"docs", "house", "notebooks", "readme", "release", "wheel"}  # tests of no room
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")


@pytest.fixture(scope="module")
def tracked_texts() -> dict[str, str]:
    """Every tracked text file, but tokenizer.json: a vocabulary is data, learned from a corpus full of paths."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    contents = {name: (ROOT / name).read_bytes() for name in names if Path(name).name != "tokenizer.json"}
    return {name: content.decode() for name, content in contents.items() if b"\0" not in content}


def pinned_names() -> set[str]:
    return {canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}


def required(distribution: str, extras: frozenset[str]) -> set[tuple[str, frozenset[str]]]:
    """What one installed distribution asks for on this machine, with the extras that it asks for."""
    asked = [Requirement(line) for line in requires(distribution) or []]
    environments = [{"extra": extra} for extra in extras or {""}]
    needed = [r for r in asked if r.marker is None or any(r.marker.evaluate(e) for e in environments)]
    return {(canonicalize_name(r.name), frozenset(r.extras)) for r in needed}


def closure(distribution: str, extras: frozenset[str]) -> set[str]:
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = {(distribution, extras)}
    while waiting:
        seen |= waiting
        waiting = set().union(*(required(*one) for one in waiting)) - seen
    return {name for name, _ in seen} - {distribution}


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A folder that holds the package as one folder, for what reads its files instead of importing them."""
    (tmp_path / "headscope").mkdir()
    for name, place in {"__init__.py": "app/face/__init__.py", **{part: part for part in PARTS}}.items():
        (tmp_path / "headscope" / name).symlink_to(ROOT / place)
    return tmp_path


def test_imports_go_from_app_to_interp_to_models(links: Path) -> None:
    lint, environment = Path(sys.executable).with_name("lint-imports"), {**os.environ, "PYTHONPATH": str(links)}
    checked = subprocess.run([lint], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_folder_of_code_is_a_package_of_the_wheel(tracked_texts: dict[str, str]) -> None:
    folders = {Path(name).parent for name in tracked_texts if name.endswith(".py") and name.split("/")[0] in PARTS}
    packages = {"headscope." + ".".join(folder.parts) for folder in folders} - {"headscope.app.face"} | {"headscope"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["packages"] == sorted(packages)


def test_a_test_is_named_by_its_room() -> None:
    rooms = {place.name for part in ("interp", "models") for place in (ROOT / part).iterdir()} | {"app", *WHOLE}
    stems = [place.stem for place in (ROOT / "tests").glob("test_*.py")]
    assert [stem for stem in stems if stem.split("_")[1] not in rooms] == []


def test_every_requirement_is_pinned() -> None:
    assert closure("headscope", frozenset({"dev"})) - pinned_names() == set()


@pytest.mark.parametrize("extra", ["checks", "docs"])
def test_what_is_not_installed_with_the_tests_is_pinned_too(extra: str) -> None:
    assert {name for name, _ in required("headscope", frozenset({extra}))} - pinned_names() == set()


def test_the_constraints_are_names_and_versions_alone() -> None:
    assert [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not PIN.fullmatch(line)] == []


def test_no_folder_has_more_files_than_one_looks_through() -> None:
    listed = subprocess.run(["git", "ls-files", "-z", *PARTS], cwd=ROOT, check=True, capture_output=True, text=True)
    folders = Counter(str(Path(name).parent) for name in listed.stdout.split("\0") if name.endswith(".py"))
    assert {folder: count for folder, count in folders.items() if count > FULL} == {}


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, REGISTRY_HOST], ids=["machine path", "registry host"])
def test_no_file_names_a_machine(forbidden: re.Pattern[str], tracked_texts: dict[str, str]) -> None:
    assert {name: found.group() for name, text in tracked_texts.items() if (found := forbidden.search(text))} == {}

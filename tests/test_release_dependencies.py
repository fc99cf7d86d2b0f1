"""Requirements: each has its reason in docs/dependencies.md, and is what the code imports."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
REQUIRED = [("headscope", line) for line in PROJECT["dependencies"]] + [
    (extra, line) for extra, lines in EXTRAS.items() for line in lines
]
AT_RUN_TIME = [line for part, line in REQUIRED if part not in ("dev", "checks", "docs")]
ROW = re.compile(r"^\| `(.+?)` \| ([\w-]+) \| (.+) \| ?(.*?) ?\|$", re.M)
IMPORT = re.compile(r"^\s*(?:from|import) ([a-zA-Z]\w*)", re.M)
PACKAGES = {"PIL": "pillow", "yaml": "pyyaml", "sklearn": "scikit-learn", "mpl_toolkits": "matplotlib"}
OTHERWISE = {
    "circuitsvis": "its script is read as a file",
    "datasets": "by name, in models/data/text/sources.py",
    "scikit-learn": "by name, in interp/geometry/placing.py",
}
NOT_REQUIRED = {
    "IPython": "is there where a notebook runs",
    "traitlets": "what anywidget's traits are made of",
    "umap": "a map by UMAP is for whoever has it",
}


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall((ROOT / "docs" / "dependencies.md").read_text())


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The packages that the code imports, by what they are installed as."""
    code = [path.read_text() for part in ("app", "interp", "models") for path in (ROOT / part).rglob("*.py")]
    modules = {name for text in code for name in IMPORT.findall(text)} - set(sys.stdlib_module_names) - {"headscope"}
    return {canonicalize_name(PACKAGES.get(name, name)) for name in modules - set(NOT_REQUIRED)}


def test_every_requirement_has_a_row_with_its_reason_and_no_row_is_left_over(
    rows: list[tuple[str, str, str, str]],
) -> None:
    assert [(part, requirement) for requirement, part, why, _ in rows if why.strip()] == REQUIRED


def test_what_is_needed_at_run_time_has_a_lowest_version_and_the_newest_that_was_tried(
    rows: list[tuple[str, str, str, str]],
) -> None:
    newest = {requirement: version for requirement, _, _, version in rows}
    for line in AT_RUN_TIME:
        bounds = Requirement(line).specifier
        assert ">=" in {bound.operator for bound in bounds} and bounds.contains(newest[line])


def test_what_is_imported_is_required(imported: set[str]) -> None:
    assert imported - {canonicalize_name(Requirement(line).name) for line in AT_RUN_TIME} == set()


def test_what_is_required_is_imported(imported: set[str]) -> None:
    required = {canonicalize_name(Requirement(line).name) for line in AT_RUN_TIME}
    assert required - imported - set(OTHERWISE) == set()

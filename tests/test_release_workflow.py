"""What GitHub reads: workflow, issue forms, hooks and container name commands and files that there are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
COMMANDS = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def test_the_workflow_runs_targets_that_there_are() -> None:
    made = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert made == {"lint", "test", "docs", "wheel"} and made <= TARGETS


def test_linux_macos_and_windows_run_the_tests() -> None:
    assert WORKFLOW["jobs"]["elsewhere"]["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    assert any("pytest" in command for command in COMMANDS)


@pytest.mark.parametrize("form", [form for form in FORMS if form.stem != "config"], ids=lambda form: form.stem)
def test_a_form_asks_for_something_that_is_required(form: Path) -> None:
    asked: dict[str, Any] = yaml.safe_load(form.read_text())
    assert asked["name"] and asked["description"]
    assert any(field.get("validations", {}).get("required") for field in asked["body"])
    assert len({field["id"] for field in asked["body"]}) == len(asked["body"])


def test_a_hook_runs_what_is_installed_with_the_tests() -> None:
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    tools = {word for hook in local["hooks"] for word in hook["entry"].split() if word.startswith(".venv/bin/")}
    assert {Path(tool).name for tool in tools} == {"ruff", "lint-imports", "pyright", "python"}
    tests = {word for hook in local["hooks"] for word in hook["entry"].split() if word.startswith("tests/")}
    assert all((ROOT / test).is_file() for test in tests)


def test_a_container_is_made_of_its_file_and_set_up_by_make() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).is_file()
    assert container["postCreateCommand"].removeprefix("make ") in TARGETS


def test_the_citation_names_no_person_that_there_is_not() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["authors"] == [{"name": "the headscope authors"}] and "repository-code" not in citation

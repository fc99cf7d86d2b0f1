"""What the README says runs, from any folder: its Python and its commands; its make targets and files exist."""

import ast
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tiny_models import tiny_tokenizer
from tiny_runs import untrained
from typer.main import get_command
from typer.testing import CliRunner

from headscope.app.terminal.command import command
from headscope.app.terminal.zoo_table import zoo_markdown_table
from headscope.interp.experiments.engine.publishing import claims_markdown_table as claims_table
from headscope.models.attention import VARIANTS
from headscope.models.data.table import material_of
from headscope.models.training.beginning import fresh_model
from headscope.models.training.recipe import START, Recipe

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SECTIONS = dict(section.split("\n", 1) for section in README.split("\n## ")[1:])
PYTHON = {name: blocks for name, text in SECTIONS.items() if (blocks := re.findall(r"```python\n(.*?)```", text, re.S))}
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S)).replace("\\\n", " ").splitlines()
COMMANDS = [words[1:] for line in SHELL if (words := shlex.split(line, comments=True))[:1] == [".venv/bin/headscope"]]
IN_PROSE = [shlex.split(words) for words in re.findall(r"`headscope ([^`]+)`", README)]
TOOL: Any = get_command(command)


@pytest.mark.parametrize("section", PYTHON)
def test_the_python_of_a_section_runs_and_shows_its_result_last(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with patch.dict(VARIANTS):
        for block in PYTHON[section]:
            *first, last = ast.parse(block).body
            assert isinstance(last, ast.Expr), ast.unparse(last)
            exec(compile(ast.Module(first, []), f"README.md, {section}", "exec"), names)
            capsys.readouterr()
            shown = eval(compile(ast.Expression(last.value), f"README.md, {section}", "eval"), names)
            assert shown is not None or capsys.readouterr().out, ast.unparse(last)


def runnable(words: list[str]) -> Any:
    """A command of the README as a case; one that runs everything is slow."""
    return pytest.param(words, id=" ".join(words), marks=[] if "--what" in words else pytest.mark.slow)


@pytest.mark.parametrize("words", [runnable(one) for one in COMMANDS if one != ["app"]])
def test_a_command_runs_from_any_folder(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(command, words)
    assert (done.exit_code, done.exception) == (0, None) and (done.stdout or [*tmp_path.iterdir()])


@pytest.mark.parametrize("words", [*COMMANDS, *IN_PROSE], ids=" ".join)
def test_a_command_and_its_options_exist(words: list[str]) -> None:
    assert words[0] in TOOL.commands
    options = {option for parameter in TOOL.commands[words[0]].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} - options == set()


@pytest.mark.parametrize("toml", re.findall(r"```toml\n(.*?)```", README, re.S))
def test_the_recipes_of_the_readme_make_models(toml: str) -> None:
    recipe = Recipe.from_plain({"model": {START: "my-model"}} | tomllib.loads(toml))
    if START in recipe.model:
        assert recipe.spec.variant in VARIANTS and recipe.data["source"] == "stdlib"
    elif recipe.data["source"] == "text":
        assert untrained(recipe, tiny_tokenizer()).config.hidden_size == 64
    else:
        assert fresh_model(recipe, material_of(recipe.data, recipe.batch, recipe.seed)).config.hidden_size == 64


def test_the_zoo_table_is_what_the_command_prints() -> None:
    assert zoo_markdown_table() in SECTIONS["The shipped models"]


def test_the_table_of_claims_is_what_the_command_prints() -> None:
    assert claims_table() in SECTIONS["The papers' claims"]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z-]+)", README, re.M)) - targets == set()


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`([\w/]+\.(?:py|txt))`", README)
    assert [link for link in links if not (ROOT / link).is_file()] == []

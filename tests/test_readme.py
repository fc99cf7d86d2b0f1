"""What README and docs say runs, from any folder: their Python and commands; their make targets and files exist."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import pytest
from tiny_models import tiny_tokenizer
from tiny_runs import untrained
from typer.main import get_command
from typer.testing import CliRunner
from written_pages import COMMANDS, EVERYTHING, IN_PROSE, PAGES, PYTHON, README, ROOT, TOML

from docs.site.claims_page import FOREST, claims_markdown
from docs.site.printed import printed
from headscope.app.terminal.command import command
from headscope.app.terminal.zoo_table import zoo_markdown_tables
from headscope.interp.arms.evidence import Answer
from headscope.interp.asking.table import ANALYSES
from headscope.interp.experiments.engine.publishing import all_shipped_names, claims_markdown_details, shipped
from headscope.interp.experiments.engine.publishing import claims_markdown_table as claims_table
from headscope.interp.figures.palette.answers import answer_colour
from headscope.interp.sweeps.sweep_file import read_sweep
from headscope.models.attention import VARIANTS
from headscope.models.data.table import material_of
from headscope.models.training.beginning import fresh_model
from headscope.models.training.recipe import START, Recipe

TOOL: Any = get_command(command)
MOST_LINES = 150


@pytest.mark.parametrize("section", PYTHON)
def test_the_python_of_a_section_runs_and_shows_its_result_last(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with patch.dict(VARIANTS), patch.dict(ANALYSES):
        for block in PYTHON[section]:
            *first, last = ast.parse(block).body
            assert isinstance(last, ast.Expr), ast.unparse(last)
            exec(compile(ast.Module(first, []), section, "exec"), names)
            capsys.readouterr()
            shown = eval(compile(ast.Expression(last.value), section, "eval"), names)
            assert shown is not None or capsys.readouterr().out, ast.unparse(last)


def runnable(words: list[str]) -> Any:
    """A written command as a case; one that runs everything is slow."""
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


SWEEPS = [toml for toml in TOML if "models" in tomllib.loads(toml)]


@pytest.mark.parametrize("toml", SWEEPS)
def test_the_sweeps_of_the_pages_are_read(toml: str, tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("One text.\nAnother.\n")
    (tmp_path / "sweep.toml").write_text(toml)
    assert {*read_sweep(tmp_path / "sweep.toml").prompts} == {"code", "prose"}


@pytest.mark.parametrize("toml", [toml for toml in TOML if toml not in SWEEPS])
def test_the_recipes_of_the_pages_make_models(toml: str) -> None:
    recipe = Recipe.from_plain({"model": {START: "my-model"}} | tomllib.loads(toml))
    if START in recipe.model:
        assert recipe.spec.variant in VARIANTS and recipe.data["source"] == "stdlib"
    elif recipe.data["source"] == "text":
        assert untrained(recipe, tiny_tokenizer()).config.hidden_size == 64
    else:
        assert fresh_model(recipe, material_of(recipe.data, recipe.batch, recipe.seed)).config.hidden_size == 64


def test_the_zoo_table_is_what_the_command_prints() -> None:
    assert zoo_markdown_tables() in printed(PAGES["docs/zoo.md"])


def test_the_table_of_claims_is_what_the_command_prints() -> None:
    page = printed(PAGES["docs/claims.md"])
    assert claims_table() in re.sub("</?span[^>]*>", "", page)
    assert claims_markdown_details() in page and FOREST in page


def test_an_answer_on_the_page_has_a_class_that_the_style_knows() -> None:
    style = (ROOT / "docs" / "site.css").read_text(encoding="utf-8")
    classes = set(re.findall('class="([^"]+)"', claims_markdown()))
    assert classes and {name for name in classes if f".{name} " not in style} == set()
    colours = {name: answer_colour(name.removeprefix("answer-").replace("-", " ")) for name in classes}
    assert {name for name, colour in colours.items() if f".{name} {{\n  border-color: {colour}" not in style} == set()


def test_the_readme_counts_the_answers_as_they_are() -> None:
    answers = [verdict.answer for name in all_shipped_names() for verdict in shipped(name).verdicts]
    counted = [f"{answers.count(answer)} {answer}" for answer in get_args(Answer) if answer in answers]
    assert f"{len(answers)} claims: {', '.join(counted)}:" in " ".join(README.split())


def test_the_readme_is_read_in_five_minutes() -> None:
    assert README.count("\n") <= MOST_LINES


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z-]+)", EVERYTHING, re.M)) - targets == set()


@pytest.mark.parametrize("name", ["README.md", *PAGES])
def test_every_linked_file_exists(name: str) -> None:
    text = {"README.md": README, **PAGES}[name]
    links = {link: (ROOT / name).parent / link for link in re.findall(r"\]\(([^)#:]+)[)#]", text)}
    code = {named: ROOT / named for named in re.findall(r"`([\w/]+\.(?:py|txt|ipynb))`", text)}
    assert [word for word, place in (links | code).items() if not place.is_file()] == []

"""What the README says runs: its Python blocks do, and its make targets and files exist."""

import re
import tomllib
from pathlib import Path
from unittest.mock import patch

import pytest
from tiny_models import tiny_tokenizer

from app.zoo_table import markdown_table
from interp.experiments.publishing import markdown_table as claims_table
from models.attention import VARIANTS
from models.training.recipe import Recipe
from models.training.untrained import untrained_model

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SECTIONS = dict(section.split("\n", 1) for section in README.split("\n## ")[1:])
PYTHON = {name: block for name, text in SECTIONS.items() for block in re.findall(r"```python\n(.*?)```", text, re.S)}


@pytest.mark.parametrize(
    "section",
    ["Use it in Jupyter", "Ask what the heads do", "Put Cog attention in your model", "Vision", "Add a variant"],
)
def test_the_python_of_a_section_runs(section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with patch.dict(VARIANTS):
        exec(compile(PYTHON[section], f"README.md, {section}", "exec"), {})


def test_the_recipe_of_the_readme_makes_a_model() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    assert untrained_model(Recipe.from_plain(tomllib.loads(toml)), tiny_tokenizer()).config.hidden_size == 64


def test_the_zoo_table_is_what_the_command_prints() -> None:
    assert markdown_table() in SECTIONS["The shipped models"]


def test_the_table_of_claims_is_what_the_command_prints() -> None:
    assert claims_table() in SECTIONS["The papers' claims"]


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z]+)", README, re.M)) - targets == set()


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`([\w/]+\.(?:py|txt))`", README)
    assert [link for link in links if not (ROOT / link).is_file()] == []

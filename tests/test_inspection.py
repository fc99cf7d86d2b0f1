"""`headscope inspect`: one model or two on prompts, as a table, CSV, JSON or a report, and what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest
from test_command import assert_refused, headscope
from tiny_models import tiny_folder

from interp.analyses import ANALYSES

PROMPT = ("--prompt", "return x, y")


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("cog") / "cog", "cog")


@pytest.fixture(scope="module")
def softmax(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("softmax") / "softmax", "softmax")


def test_the_table_has_a_row_per_head(cog: Path) -> None:
    said = headscope("inspect", cog, *PROMPT, "--what", "negative_mass")
    assert said.exit_code == 0
    header, *rows = said.stdout.splitlines()
    assert header.split()[:4] == ["model", "layer", "head", "attention"] and len(rows) == 6


def test_csv_can_be_read_back(cog: Path, tmp_path: Path) -> None:
    file = tmp_path / "heads.csv"
    file.write_text(headscope("inspect", cog, *PROMPT, "--what", "negative_mass", "--csv").stdout)
    heads = pd.read_csv(file)
    assert heads["negative_mass.minority_mass"].between(0, 0.5).all() and len(heads) == 6


def test_json_has_both_models_and_what_depends_on_the_gauge(cog: Path, softmax: Path) -> None:
    said = headscope("inspect", cog, "--compare", softmax, *PROMPT, "--what", "copying", "--json")
    models = json.loads(said.stdout)["models"]
    marked = [one["analyses"]["copying"]["fields"]["value"]["gauge_dependent"] for one in models]
    assert ([one["model"] for one in models], marked) == ([str(cog), str(softmax)], [True, False])


def test_everything_that_fits_is_in_the_report(cog: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    said = headscope("inspect", cog, *PROMPT, "--corrupt", "return y, y", "--html", file)
    assert said.exit_code == 0, said.output
    page = file.read_text(encoding="utf-8")
    shown = {name for name in ANALYSES if f"<h2>{name.replace('_', ' ')}</h2>" in page}
    assert set(ANALYSES) - shown == {"temperatures", "trajectory"}  # no selective attention, no snapshots


def test_snapshots_beside_a_model_have_a_trajectory(cog: Path) -> None:
    for step in (1, 2):
        tiny_folder(cog / f"step-00000{step}", "cog")
    said = json.loads(headscope("inspect", cog, *PROMPT, "--what", "trajectory", "--json").stdout)
    assert said["models"][0]["analyses"]["trajectory"]["facts"]["runs"] == ["cog"]


def test_all_analyses_are_listed() -> None:
    listed = headscope("analyses").stdout
    assert [name for name in ANALYSES if name not in listed] == []


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--what", "focus"), "unknown analysis 'focus'; known: deletion"),
        (("--corrupt", "x"), "patching needs prompts of one length"),
        (("--embedding", "mean"), "unknown embedding 'mean'; known: token, effective"),
        (("--distance", "64"), "distance 64 lies outside this model's context"),
        (("--compare", "nobody"), "cannot load 'nobody'"),
        (("--html", "no/where.html"), "there is no folder no"),
        (("--what", "path_patching"), "path_patching needs a corrupt prompt"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], refusal: str, cog: Path) -> None:
    assert_refused(headscope("inspect", cog, *PROMPT, *arguments), refusal)

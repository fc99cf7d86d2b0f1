"""A researcher's own analysis is one row of the table: then it stands wherever analyses stand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import Float
from test_app_command import headscope
from test_app_views import figures, query, view
from tiny_models import hooked_tiny, tiny_folder
from torch import Tensor

from headscope.app.figure.head_table import number_name_in_words
from headscope.app.terminal.analyses_listed import listed_analyses
from headscope.interp.analysis import Analysis, AnalysisRequest, Probe, Row, Setting
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.finding import finding
from headscope.interp.asking.table import ANALYSES
from headscope.interp.figures.heads import head_score_figure
from headscope.interp.reading.activations import Activations
from headscope.interp.reading.watch import Watch
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.numbers import numbers_per_head
from headscope.interp.results.result import Result
from headscope.interp.trajectories.trajectory import trajectory
from headscope.models.hosts.words import TEXT_WORDS, filled

pytestmark = pytest.mark.usefixtures("no_page_waits", "foreign_rows")

PROMPT = "return x, y"
ABOUT = About("Own mass", "share", "a[t, t]", "a test", null="one over the tokens", plain="How much stays.")


def own_figure(result: Any) -> Any:
    score = HeadScore(result.value, result.value_null, result.value_null_spread, about=result.about)
    return head_score_figure(score)


@dataclass(frozen=True, repr=False)
class OwnMass(Result):
    """What every head leaves where it is."""

    drawn_by = own_figure

    value: Float[Tensor, "layer head"]
    value_null: Float[Tensor, "layer head"]
    value_null_spread: Float[Tensor, "layer head"]
    everywhere: Float[Tensor, "layer head"]


def own_mass(setting: Setting, run: Activations) -> OwnMass:
    mass = run["attn.hook_pattern"].diagonal(dim1=-2, dim2=-1).mean(-1)
    null = torch.full_like(mass, 1 / len(run.tokens))
    return OwnMass(mass, null, torch.full_like(mass, 1e-4), torch.full_like(mass, 7.5), about=ABOUT)


def own_norm(asked: AnalysisRequest, watch: Watch) -> OwnMass:
    norm = asked.setting.weights.W_O.norm(dim=(-2, -1)).cpu()
    return OwnMass(norm, norm * 0, norm * 0 + 1e-4, norm * 0 + 2.5, about=ABOUT)


ROWS: tuple[Analysis | Probe, ...] = (
    Analysis(
        "own_mass",
        "How much every head leaves where it is.",
        ("attn.hook_pattern",),
        own_mass,
        per_head=True,
        telling={"value": 0},
        followed={"value": 0},
    ),
    Probe("own_norm", "how large every head writes", own_norm, per_head=True, runs_heads=True),
)


@pytest.fixture
def foreign_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for row in ROWS:
        monkeypatch.setitem(ANALYSES, row.name, row)
    yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with snapshots beside it."""
    place = tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog")
    tiny_folder(place / "step-000004", "softmax")
    return place


def test_it_is_among_the_numbers_of_the_heads(folder: Path) -> None:
    test = view("heads", folder, statistic="own mass · value")
    assert query(test, "statistic") == "own mass · value" and not test.error
    assert "own_mass.value" in test.dataframe[0].value.columns
    assert "own_norm.value" not in test.dataframe[0].value.columns


def test_numbers_that_are_the_same_for_every_head_stand_in_one_line(folder: Path) -> None:
    test = view("heads", folder)
    said = [one.value.replace("\\", "") for one in test.caption]
    [line] = [one for one in said if one.startswith("The same for every head: ")]
    assert "own mass everywhere 7.500" in line
    assert "own_mass.everywhere" not in test.dataframe[0].value.columns


def test_what_runs_the_model_for_every_head_comes_when_asked_for(folder: Path) -> None:
    test = view("heads", folder, costly="true")
    assert "own norm" in test.toggle(key="costly").label
    assert "own_norm.value" in test.dataframe[0].value.columns


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_has_its_place_on_the_page_of_all_analyses(row: Row, folder: Path) -> None:
    test = view("analyses", folder, analysis=number_name_in_words(row.name))
    assert len(figures(test)) == 1 and f"{row.question(TEXT_WORDS)}." in [one.value for one in test.caption]


def test_it_is_inspected_as_table_json_and_csv(folder: Path) -> None:
    asked = ("inspect", folder, "--prompt", PROMPT)
    table = headscope(*asked)
    assert "own mass" in " ".join(table.stdout.split()) and "own_mass" not in table.stdout
    assert "own_norm.value" in headscope(*asked, "--all", "--csv").stdout.splitlines()[0]
    [model] = json.loads(headscope(*asked, "--json").stdout)["models"]
    assert model["analyses"]["own_mass"]["kind"] == "OwnMass"


def test_it_is_in_the_report(folder: Path, tmp_path: Path) -> None:
    written = tmp_path / "report.html"
    assert headscope("inspect", folder, "--prompt", PROMPT, "--html", written).exit_code == 0
    page = written.read_text()
    assert "<section id='own_mass'>" in page and "How much every head leaves where it is" in page


def test_it_is_followed_through_training(folder: Path) -> None:
    found = trajectory({"run": folder}, finding(PROMPT, "own_mass.value", "own_norm.value"))
    assert found.labels["measure"] == ("own_mass.value", "own_norm.value")
    followed = analyse(hooked_tiny("cog"), PROMPT, ["trajectory"], choices=Choices(run=folder))["trajectory"]
    assert followed.labels["measure"][0] == "own_mass.value"
    test = view("compare", folder, compare_tab="Training", followed="own mass")
    assert test.selectbox(key="number_of_own_mass").value == "value"


def test_a_row_says_whether_it_has_a_number_of_every_head() -> None:
    found: Any = analyse(hooked_tiny("selective"), "return x", "all", choices=Choices(corrupt="return y"))
    wrong = [name for name, result in found.items() if bool(numbers_per_head(result)) != ANALYSES[name].per_head]
    assert wrong == []


def test_the_numbers_that_a_row_names_are_there() -> None:
    found: Any = analyse(hooked_tiny("cog"), "return x", "all")
    for name, result in found.items():
        row, heads = ANALYSES[name], numbers_per_head(result)
        assert {*row.telling} <= {*heads} and {*row.of_signs, *filter(None, [row.first])} <= {*result.tensors()}, name


def test_the_command_lists_the_table_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {row.name for row in ROWS}
    table = {name: (filled(row.summary, TEXT_WORDS), row.reads) for name, row in ANALYSES.items() if name not in own}
    assert {name: (one.summary, one.reads) for name, one in listed_analyses().items()} == table

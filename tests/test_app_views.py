"""The pages on analyses without a browser: each shows its panels for every variant, and its code makes its figure."""

import ast
import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
import torch
from streamlit.testing.v1 import AppTest
from tiny_models import tiny_folder

from app.collapse_panels import OWN, PRESETS
from app.geometry_panels import described
from interp.result import Result
from models.attention import VARIANTS

ROOT = Path(__file__).parents[1]
PROMPT = "def __init__(self, x):\n    self.x = x"
# Page -> its panels; further query parameters that open them stand after the name.
PANELS = {
    "heads": ("number", "plane"),
    "deletion": ("sources", "promoted", "scatter", "quadrants", "mass"),
    "collapse": (
        "curve",
        "residual_geometry",
        "squashing",
        "path_cancellation",
        "path_bound",
        "sinks",
        "massive_activations",
    ),
    "geometry": ("map", "histogram", "angles", "spectrum", "eigenvalues"),
    "compare": ("plane_0", "plane_1"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with snapshots beside it."""
    place = tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")
    for step in (1, 10):
        tiny_folder(place / f"step-{step:06d}", "cog", layers="inner")
    return place


def view(name: str, folder: Path, tabs: tuple[str, ...] = (), tab: str = "Figure", **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"model": "a folder", "folder": str(folder), "prompt": PROMPT, **query}.items():
        test.query_params[field] = value
    for key in tabs:
        test.session_state[f"tab_{key}"] = tab
    if name != "attention":
        test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    test.run()
    assert not test.exception and not test.error, [*test.exception, *test.error]
    return test


def figures(test: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]


def made_by(code: str) -> go.Figure:
    """The figure that the last line of the code makes."""
    *body, last = ast.parse(code).body
    names: dict[str, Any] = {}
    exec(compile(ast.Module(body, []), "code", "exec"), names)  # what a page shows, run as a user would
    assert isinstance(last, ast.Expr)
    made = eval(compile(ast.Expression(last.value), "code", "eval"), names)
    return made.figure() if isinstance(made, Result) else made


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_page_shows_its_panels_for_every_variant(name: str, variant: str, tmp_path: Path) -> None:
    test = view(name, tiny_folder(tmp_path / variant, variant), other="a folder", other_folder=str(tmp_path / variant))
    assert len(figures(test)) == len(PANELS[name]) + (name == "geometry" and variant == "selective")


@pytest.mark.parametrize("name", PANELS)
def test_the_code_of_every_panel_makes_a_figure(name: str, folder: Path) -> None:
    other = {"other": "a folder", "other_folder": str(folder)} if name == "compare" else {}
    codes = [code.value for code in view(name, folder, PANELS[name], "Code", **other).code]
    assert len(codes) == len(PANELS[name])
    for code in codes:
        assert len(made_by(code).to_dict()["data"]) > 0, code


@pytest.mark.parametrize(("name", "keys"), PANELS.items())
def test_every_panel_has_a_table_and_a_meaning(name: str, keys: tuple[str, ...], folder: Path) -> None:
    other = {"other": "a folder", "other_folder": str(folder)} if name == "compare" else {}
    assert len(view(name, folder, keys, "Table", **other).dataframe) >= len(keys)
    words = [one.value for one in view(name, folder, keys, "Meaning", **other).markdown]
    assert sum("**source**" in text for text in words) == len(keys)


def test_a_link_opens_the_head_on_every_page(folder: Path) -> None:
    for name in ("deletion", "geometry"):
        titles = [title.value for title in view(name, folder, layer="2", head="1").subheader]
        assert any("L2H1" in title for title in titles)


@pytest.mark.parametrize("preset", [text for text in PRESETS if text != OWN])
def test_every_preset_has_its_curve(preset: str, folder: Path) -> None:
    [curve] = [code.value for code in view("collapse", folder, ("curve",), "Code", preset=preset).code]
    assert PRESETS[preset] in curve


def test_two_prompts_of_one_s_own_are_compared(folder: Path) -> None:
    [code] = [
        code.value for code in view("collapse", folder, ("pair",), "Code", preset=OWN, first="x y", second="y y").code
    ]
    assert len(made_by(code).to_dict()["data"]) > 0


def test_two_prompts_with_the_same_last_token_have_a_curve(folder: Path) -> None:
    test = view("collapse", folder, ("pair",), "Code", preset=OWN, first="x y", second="y y")
    made: Any = made_by(test.code[0].value)
    assert len(made.data[0].x) > 3


def test_the_open_head_is_a_figure_with_its_code(folder: Path) -> None:
    test = view("attention", folder, ("pattern",), "Code", figure_open="true", layer="1", head="1")
    [code] = test.code
    made = made_by(code.value).to_dict()
    assert "L1H1 (cog)" in made["layout"]["title"]["text"] and made["data"][0]["type"] == "heatmap"


@pytest.mark.parametrize(("kind", "said"), [("query", "attends to"), ("key", "attended by")])
def test_a_chosen_point_says_its_token_and_its_weights(kind: str, said: str) -> None:
    pattern = torch.tensor([[1.0, 0.0], [-0.25, 0.5]])
    words = described({"kind": kind, "position": 1, "norm": 2.0}, pattern, ("a", "b"))
    assert words["token"] == "'b'"
    assert words["weights"] == f"{said} 'b' at 1: +0.500" + (", 'a' at 0: -0.250" if kind == "query" else "")


def test_a_trajectory_runs_over_the_snapshots(folder: Path) -> None:
    test = view("compare", folder, ("trajectory",), "Code", compare_tab="Training")
    assert len(made_by(test.code[0].value).to_dict()["data"]) == 1
    assert any(title.value.startswith("Step ") for title in test.subheader)


def test_an_intervention_is_made_undone_and_made_again(folder: Path) -> None:
    test = view("attention", folder, intervene="true", layer="1", head="0")
    button(test, "Make it").click().run()
    assert json.loads(query(test, "edits")) == [{"kind": "keep_positive", "layer": 1, "head": 0}]
    assert [metric.label for metric in test.metric][:2] == ["Δ loss, mean", "KL, mean"]
    button(test, "Undo").click().run()
    assert query(test, "edits") == "[]"
    button(test, "Redo").click().run()
    assert len(json.loads(query(test, "edits"))) == 1


def test_a_link_reopens_interventions_and_their_code_runs(folder: Path) -> None:
    edits = '[{"kind":"flip","layer":1,"head":1},{"kind":"set","layer":1,"head":0,"query":3,"key":0,"value":0.5}]'
    keys = ("effect", "changed_predictions")
    test = view("attention", folder, keys, "Code", intervene="true", edits=edits, target=" x")
    assert [metric.label for metric in test.metric][-1] == "Δ logit of the target, last position"
    for code in test.code:
        assert len(made_by(code.value).to_dict()["data"]) > 0


@pytest.mark.parametrize(
    ("edits", "refusal"),
    [
        ("[{]", "the list of edits is no JSON"),
        ('{"kind": "flip"}', "the edits are a list of at most"),
        ('[{"kind": "melt", "layer": 0}]', "unknown kind of intervention"),
        ('[{"kind": "flip", "layer": 99}]', "intervention on layer 99"),
    ],
)
def test_a_broken_list_of_edits_is_refused_in_a_box(edits: str, refusal: str, folder: Path) -> None:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
    given = {"model": "a folder", "folder": str(folder), "prompt": PROMPT, "intervene": "true", "edits": edits}
    for field, value in given.items():
        test.query_params[field] = value
    test.run()
    assert not test.exception
    assert refusal in test.error[0].value.replace("\\", "")


def test_heads_like_the_open_one_are_opened_by_a_button(folder: Path) -> None:
    test = view("attention", folder, layer="1", head="0")
    alike = next(one for one in test.button if str(one.key).startswith("alike_"))
    alike.click().run()
    assert (query(test, "layer"), query(test, "head")) == tuple(str(alike.key).split("_")[1:])


def test_heads_alike_in_a_detector_stand_nearest_first(folder: Path) -> None:
    given = {"alike": "a number", "alike_number": "detectors · share · previous token"}
    test = view("attention", folder, layer="1", head="0", **given)
    alike = [one for one in test.button if str(one.key).startswith("alike_")]
    own = next(words.value for words in test.caption if words.value.startswith("L1H0 has"))
    numbers = [float(one.label.split(" · ")[1]) for one in alike]
    away = [abs(number - float(own.split()[2].rstrip(";"))) for number in numbers]
    assert len(alike) == 5 and away == sorted(away)


def button(test: AppTest, label: str) -> Any:
    return next(one for one in test.button if one.label == label)


def query(test: AppTest, name: str) -> str:
    value = test.query_params[name]
    return value[-1] if isinstance(value, list) else value

"""The pages on analyses without a browser: each shows its panels for every variant, and its code makes its figure."""

import ast
import json
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
import torch
from page_words import python_names, slips
from streamlit.testing.v1 import AppTest
from tiny_models import tiny_folder

import headscope
from headscope.app.figure.head_table import number_name_in_words
from headscope.app.panels.collapse import OWN, PRESETS
from headscope.app.panels.intervention_list import MOST_EDITS
from headscope.app.panels.map_points import COLOURS, coloured_map, point_description
from headscope.interp.asking.table import ANALYSES
from headscope.interp.geometry.embedding import JointEmbedding, joint_embedding
from headscope.interp.results.result import Result
from headscope.models import zoo
from headscope.models.attention import VARIANTS

pytestmark = pytest.mark.usefixtures("no_page_waits")

ROOT = Path(__file__).parents[1]
PROMPT = "def __init__(self, x):\n    self.x = x"
# Page -> its panels; further query parameters that open them stand after the name.
PANELS = {
    "heads": ("number", "plane"),
    "deletion": ("sources", "twin", "promoted", "scatter", "quadrants", "mass"),
    "collapse": (
        "curve",
        "residual_geometry",
        "compression",
        "squashing",
        "path_cancellation",
        "path_bound",
        "sinks",
        "sink_tokens",
        "sink_direction",
        "dispersion_curves",
        "head_dimension",
        "perturbation",
        "residual_norms",
        "massive_activations",
    ),
    "geometry": ("map", "histogram", "angles", "spectrum", "eigenvalues"),
    "compare": ("difference_1", "plane_0", "plane_1"),
    "analyses": ("any",),
}

FOLDED = ("collapse", "deletion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with snapshots beside it."""
    place = tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")
    for step in (1, 10):
        tiny_folder(place / f"step-{step:06d}", "cog", layers="inner")
    return place


def tried(name: str, folder: Path, tabs: tuple[str, ...] = (), tab: str = "Figure", **query: str) -> AppTest:
    """A page, which may have refused something in a box."""
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"model": "a folder", "folder": str(folder), "prompt": PROMPT, **query}.items():
        test.query_params[field] = value
    for key in tabs:
        test.session_state[f"tab_{key}"] = tab
    if name != "attention":
        test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    test.run()
    assert not test.exception, [*test.exception]
    return test


def view(name: str, folder: Path, tabs: tuple[str, ...] = (), tab: str = "Figure", **query: str) -> AppTest:
    """A page with all of its figures open."""
    test = tried(name, folder, tabs, tab, **{**({"more": "true"} if name in FOLDED else {}), **query})
    assert not test.error, [name, *(box.value for box in test.error)]
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
    other = tiny_folder(tmp_path / "other", "cog" if variant == "softmax" else "softmax")
    test = view(name, tiny_folder(tmp_path / variant, variant), others="a folder", other_folder=str(other))
    told = sum("Does not apply" in box.value for box in test.info)  # of numbers that need weights of both signs
    assert told == (VARIANTS[variant].non_negative and name == "deletion")
    assert len(figures(test)) + told == len(PANELS[name]) + (name == "geometry" and variant == "selective")
    assert slips(test) == []


def test_a_model_beside_itself_differs_nowhere(folder: Path) -> None:
    test = view("compare", folder, others="a folder", other_folder=str(folder))
    assert sum("both put the same weight on every token" in words.value for words in test.caption) == 1
    assert len(figures(test)) == len(PANELS["compare"]) - 1


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("others") / "softmax", "softmax")


@pytest.mark.parametrize("name", PANELS)
def test_the_code_of_every_panel_makes_a_figure(name: str, folder: Path, other_folder: Path) -> None:
    other = {"others": "a folder", "other_folder": str(other_folder)} if name == "compare" else {}
    codes = [code.value for code in view(name, folder, PANELS[name], "Code", **other).code]
    assert len(codes) == len(PANELS[name])
    for code in codes:
        assert len(made_by(code).to_dict()["data"]) > 0, code


@pytest.mark.parametrize(("name", "keys"), PANELS.items())
def test_every_panel_has_a_table_and_a_meaning(
    name: str, keys: tuple[str, ...], folder: Path, other_folder: Path
) -> None:
    other = {"others": "a folder", "other_folder": str(other_folder)} if name == "compare" else {}
    tables = view(name, folder, keys, "Table", **other)
    assert len(tables.dataframe) >= len(keys) and python_names(tables) == []
    words = [one.value for one in view(name, folder, keys, "Meaning", **other).markdown]
    assert sum("**source**" in text for text in words) == len(keys)


@pytest.mark.parametrize(("name", "answer"), [("collapse", "This model "), ("deletion", "L1H0 ")])
def test_a_page_leads_with_one_figure_and_the_answer_in_words(name: str, answer: str, folder: Path) -> None:
    test = view(name, folder, more="false")
    assert len(figures(test)) == 1 and test.get("expander")
    assert any(words.value.startswith(f"**{answer}") for words in test.markdown)


def test_the_open_row_is_the_same_on_every_page(folder: Path) -> None:
    test = view("deletion", folder, ("sources",), "Code", row="3")
    assert "row_figure(result, 3)" in test.code[0].value
    test.slider[0].set_value(5).run()
    assert query(test, "row") == "5" and any("at position 5" in words.value for words in test.text)


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
    test = view("attention", folder, ("pattern",), "Code", pattern_open="true", layer="1", head="1")
    [code] = test.code
    made = made_by(code.value).to_dict()
    assert "L1H1 (cog)" in made["layout"]["title"]["text"] and made["data"][0]["type"] == "heatmap"


def embedding() -> JointEmbedding:
    torch.manual_seed(0)
    return joint_embedding("cog", torch.randn(3, 4), torch.randn(3, 4), ("a", " a", "a"))


@pytest.mark.parametrize(("kind", "said"), [("query", "attends to"), ("key", "attended by")])
def test_a_chosen_point_says_its_token_its_norm_and_its_weights(kind: str, said: str) -> None:
    pattern, found = torch.tensor([[1.0, 0.0], [-0.25, 0.5]]), embedding()
    words = point_description(f"{kind} 1", found, pattern, ("a", "b"))
    assert words["token"] == "'b'" and words["norm"] == round(float(found.tensors()[f"{kind}_norms"][1]), 4)
    assert words["weights"] == f"{said} 'b' at 1: +0.500" + (", 'a' at 0: -0.250" if kind == "query" else "")


@pytest.mark.parametrize("by", COLOURS)
def test_points_are_coloured_by_what_is_asked(by: str) -> None:
    figure: Any = coloured_map(embedding(), by)
    queries = figure.data[0].marker.color
    expected = {"position": [0, 1, 2], "norm": embedding().query_norms.tolist()}
    if by == "token":
        assert queries[0] == queries[2] != queries[1]
    elif by != "kind":
        assert list(queries) == expected[by]


def test_points_are_chosen_in_a_box_and_by_a_link(folder: Path) -> None:
    test = view("geometry", folder)
    box = test.multiselect(key="points")
    again = view("geometry", folder, points=box.options[3])
    box.set_value(["query 3", "key 0"]).run()
    assert len(test.dataframe[0].value) == 2
    assert list(again.dataframe[0].value["point"]) == list(test.dataframe[0].value["point"])[:1]


def test_a_trajectory_runs_over_the_snapshots(folder: Path) -> None:
    test = view("compare", folder, ("trajectory",), "Code", compare_tab="Training")
    assert len(made_by(test.code[0].value).to_dict()["data"]) == 1
    pictures = view("compare", folder, ("snapshots",), "Code", compare_tab="Training").code[0].value
    assert len(made_by(pictures).to_dict()["data"][0]["z"]) > 0
    assert any(title.value.startswith("cog at step ") for title in test.subheader)


def test_the_step_is_marked_on_the_curves_and_play_goes_from_the_first_to_the_last(folder: Path) -> None:
    test = view("compare", folder, compare_tab="Training", step="1")
    curve, pictures = figures(test)
    assert curve["layout"]["shapes"][0]["x0"] == 1 and len(pictures["layout"]["annotations"]) == 2
    test.button(key="play").click().run()
    assert not test.exception and test.session_state["step"] == 10 and not test.session_state["is_playing"]
    test.button(key="play").click().run()  # from the last one it begins anew
    assert test.session_state["step"] == 10 and any("at step 10" in title.value for title in test.subheader)


def test_results_of_a_sweep_are_shown_over_its_checkpoints(folder: Path, tmp_path: Path) -> None:
    headscope.sweep([folder], ["return x"], ["collapse_count_ones"], out=tmp_path, steps="all", ray=False)
    given = {"compare_tab": "Training", "sweep": str(tmp_path)}
    test = view("compare", folder, ("sweep_curves", "sweep_trajectory"), "Code", **given)
    assert "2 of 2 units are measured." in [line.value for line in test.caption]
    for code in [block.value for block in test.code if "open_sweep" in block.value]:
        names: dict[str, Any] = {}
        exec(code.rsplit("\n", 1)[0] + "\nfigure = " + code.rsplit("\n", 1)[1], names)
        assert names["figure"].data
    assert tried("compare", folder, compare_tab="Training", sweep=str(folder)).error[0].value.count("holds no sweep")


def test_any_number_of_one_head_can_be_followed_with_bos(folder: Path) -> None:
    given = {"compare_tab": "Training", "followed": "detectors", "over": "the open head", "bos": "true"}
    number = {"number_of_detectors": "share · induction"}
    test = view("compare", folder, ("trajectory",), "Code", layer="1", head="1", **given, **number)
    assert "'detectors.share.induction', head=(1, 1), prepend_bos=True" in test.code[0].value


def test_a_model_without_snapshots_is_told_so_and_shows_no_other_s_head_as_its_own(tmp_path: Path) -> None:
    bare = tiny_folder(tmp_path / "bare", "expressive")
    test = view("compare", bare, compare_tab="Training", layer="2", head="1")
    assert "No snapshots lie beside the open model" in test.info[0].value
    assert any(title.value.startswith("softmax-longer at step 12,288: L2H1 (softmax)") for title in test.subheader)


def test_a_run_that_is_called_as_a_shipped_one_is_not_taken_for_it(tmp_path: Path) -> None:
    name = zoo.WITH_SNAPSHOTS[0]
    folder = tiny_folder(tmp_path / name, "softmax")
    tiny_folder(folder / "step-000001", "softmax")
    test = view("compare", folder, ("trajectory",), "Code", compare_tab="Training")
    assert str(folder) in test.code[0].value and {name, f"{name} (shipped)"} <= {*test.multiselect(key="runs").options}


def test_the_collapse_of_models_stands_in_one_figure(folder: Path, tmp_path: Path) -> None:
    other = {"others": "a folder", "other_folder": str(tiny_folder(tmp_path / "plain", "softmax"))}
    test = view("compare", folder, ("collapse_beside",), "Code", compare_tab="Collapse", **other)
    made: Any = made_by(test.code[0].value)
    assert [one.name for one in made.data if one.visible] == ["cog", "plain"]


def test_the_reach_of_a_change_stands_beside_that_of_another_model(folder: Path, tmp_path: Path) -> None:
    other = {"others": "a folder", "other_folder": str(tiny_folder(tmp_path / "plain", "softmax"))}
    test = view("compare", folder, ("spread_beside",), "Code", compare_tab="Collapse", **other)
    made: Any = made_by(test.code[0].value)
    assert [one.name for one in made.data] == ["cog", "plain"]


def test_what_a_mechanism_buys_has_a_tab(folder: Path, tmp_path: Path) -> None:
    test = view("compare", folder, ("mechanism_negative",), "Code", compare_tab="Mechanism")
    assert any("With “negative” taken out of all heads" in text.value for text in test.markdown)
    made: Any = made_by(test.code[0].value)
    assert [one.name for one in made.data] == ["Δ loss", "KL", "Δ weights"]
    plain = view("compare", tiny_folder(tmp_path / "plain", "softmax"), compare_tab="Mechanism")
    assert "attention is plain softmax" in plain.info[0].value


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_has_its_figure_or_says_what_it_lacks(name: str, folder: Path) -> None:
    test = tried("analyses", folder, analysis=number_name_in_words(name))
    said = [one.value.replace("\\", "") for one in test.error]
    if name == "temperatures":
        assert "says nothing about a model with cog attention" in test.info[0].value
    elif name == "missing_mass":
        assert "no layer of this model has rows that may sum to less than 1" in test.info[0].value
    elif "corrupt" in ANALYSES[name].reads:
        assert len(said) == 1 and "needs a corrupt prompt" in said[0]
    else:
        assert not said and len(figures(test)) == 1


def test_patching_takes_its_corrupt_prompt_from_the_page(folder: Path) -> None:
    given = {"analysis": "path patching", "corrupt": PROMPT.replace("x", "y")}
    test = view("analyses", folder, ("any",), "Code", **given)
    assert not test.error and len(made_by(test.code[0].value).to_dict()["data"]) == 1


def test_an_intervention_is_made_undone_and_made_again(folder: Path) -> None:
    test = view("attention", folder, intervene="true", layer="1", head="0")
    button(test, "Make this change").click().run()
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
    assert "Δ logit of the target" in [metric.label for metric in test.metric] and python_names(test) == []
    for code in test.code:
        assert len(made_by(code.value).to_dict()["data"]) > 0


@pytest.mark.parametrize(
    ("edits", "refusal"),
    [
        ("[{]", "the list of edits is no JSON"),
        ('{"kind": "flip"}', "a list of edits was expected, this is a dict"),
        ('[{"kind": "melt", "layer": 0}]', "unknown kind of intervention"),
        ('[{"kind": "flip", "layer": 99}]', "intervention on layer 99"),
    ],
)
def test_a_broken_list_of_edits_is_refused_in_its_place_and_can_be_cleared(
    edits: str, refusal: str, folder: Path
) -> None:
    test = tried("attention", folder, intervene="true", edits=edits)
    assert refusal in test.error[0].value.replace("\\", "")
    button(test, "Clear").click().run()
    assert not test.error and query(test, "edits") == "[]"
    button(test, "Undo").click().run()
    assert query(test, "edits") == edits


def test_a_full_list_takes_no_more_edits(folder: Path) -> None:
    edits = json.dumps([{"kind": "flip", "layer": 1, "head": 0}] * MOST_EDITS, separators=(",", ":"))
    test = view("attention", folder, intervene="true", edits=edits)
    assert button(test, "Make this change").disabled
    button(test, "Undo").click().run()
    assert len(json.loads(query(test, "edits"))) == MOST_EDITS - 1
    assert not button(test, "Make this change").disabled


@pytest.mark.parametrize("named", [{"edits": '[{"kind":"flip","layer":1}]'}, {"row": "3"}, {"layer": "2", "head": "1"}])
def test_what_was_chosen_is_there_again_after_a_look_at_another_page(named: dict[str, str], folder: Path) -> None:
    test = view("attention", folder, intervene="true", **named)
    for page in ("heads", "attention"):
        for name in list(test.query_params):
            del test.query_params[name]  # as a link from page to page does
        for field, value in {"model": "a folder", "folder": str(folder), "prompt": PROMPT}.items():
            test.query_params[field] = value
        test.switch_page(str(ROOT / "app" / "views" / f"{page}.py")).run()
    assert {name: query(test, name) for name in named} == named


def test_another_prompt_opens_its_last_row(folder: Path) -> None:
    test = view("attention", folder, row="3")
    test.text_area(key="prompt").set_value("return x").run()
    assert query(test, "row") != "3"


def test_a_model_without_a_tokenizer_has_a_collapse_page(tmp_path: Path) -> None:
    bare = tiny_folder(tmp_path / "bare", "cog", with_tokenizer=False)
    test = view("collapse", bare, prompt="5 17 9 5")
    assert len(figures(test)) == len(PANELS["collapse"])


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_prompt_of_one_token_costs_at_most_the_panel_that_needs_more(name: str, variant: str, tmp_path: Path) -> None:
    open_panels = {"more": "true"} if name in FOLDED else {}
    test = tried(name, tiny_folder(tmp_path / variant, variant), prompt="x", **open_panels)
    told = sum("Does not apply" in box.value for box in test.info)  # a row of one token is its own null
    assert len(test.error) <= 1 and len(figures(test)) + told >= len(PANELS[name]) - 1


def test_a_menu_of_a_figure_is_a_box_that_the_address_keeps(folder: Path) -> None:
    shown = {
        words: [one.get("visible", True) for one in figures(view("collapse", folder, view_curve=words))[0]["data"]]
        for words in ("L1 norm", "L2 norm")
    }
    assert shown["L1 norm"] != shown["L2 norm"] and sum(map(bool, shown["L2 norm"])) == 5
    assert "updatemenus" not in figures(view("collapse", folder))[0]["layout"]


def test_a_panel_has_a_table_of_what_it_draws_and_of_all_else(folder: Path) -> None:
    test = view("deletion", folder, ("quadrants",), "Table")
    choose = next(one for one in test.selectbox if one.key == "table_quadrants")
    assert "layer × head × quadrant" in choose.value and "quadrant_label" in test.dataframe[0].value.columns
    choose.set_value(next(words for words in choose.options if words.startswith("layer × quadrant"))).run()
    assert "layer_share" in test.dataframe[0].value.columns


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

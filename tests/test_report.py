"""The report and the findings that it shows: what is asked, said, left out, and drawn on one scale."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.asking.averaged import averaged
from headscope.interp.asking.findings import Findings
from headscope.interp.attribution.direct import SourceAttribution
from headscope.interp.deletion.quadrants import QUADRANTS, quadrants
from headscope.interp.figures.drawing.choice import menu_layout
from headscope.interp.figures.drawing.shared_scales import on_shared_scales
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.report.introduction import spans, variants_in_words
from headscope.interp.report.page import report
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.numbers import numbers_per_head

ABOUT = About("Mass", "1", "Σ A", "headscope")
LAYERS = ("softmax", "cog", "cog", "softmax")
FACTS = ModelFacts("cog", "Lv et al. 2024", False, LAYERS, ({},) * 4, (), 2, 8, 16, 32, 99, True, False, None)
WORDS = PromptTokens((5, 6), ("a", " b"))


def score(value: Float[Tensor, "layer head"] | None = None, null: float | None = None) -> HeadScore:
    value = torch.arange(8.0).reshape(4, 2) if value is None else value
    return HeadScore(value, None if null is None else torch.full_like(value, null), about=ABOUT)


def findings(model: str = "cog", **changes: Any) -> Findings:
    results = {"mass": score(null=0.5), "reach": score()}
    plain = Findings(model, FACTS, (WORDS,), results, {}, questions={"mass": "How much", "reach": "How far"})
    return replace(plain, **changes)


def body(*models: Findings) -> str:
    """The page after its styles and plotly."""
    return report(models).split("<body>")[1]


def test_contents_lead_to_every_section_and_every_table() -> None:
    page = body(findings(), findings("softmax"))
    targets = ["mass", "reach", "heads-0", "heads-1"]
    assert [f"href='#{name}'" in page and f"id='{name}'" in page for name in targets] == [True] * 4


def test_a_question_stands_in_the_contents_and_under_its_heading() -> None:
    assert body(findings()).count("How far") == 2


def test_what_was_chosen_and_left_out_is_in_the_introduction() -> None:
    page = body(
        findings(choices={"corrupt": "<c>"}, left_out={"lens": "runs over tokens", "paths": "runs over tokens"})
    )
    assert "corrupt: &lt;c&gt;" in page and "left out: lens, paths: each runs over tokens" in page


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (("softmax", "cog", "cog", "softmax"), "attention: cog in layers 1–2, softmax in layers 0 and 3"),
        (("cog", "softmax"), "attention: cog in layer 0, softmax in layer 1"),
        (("cog", "cog"), "cog attention in all layers"),
    ],
)
def test_layers_of_every_variant_are_named(layers: tuple[str, ...], words: str) -> None:
    assert variants_in_words(replace(FACTS, layer_variants=layers)) == words


def test_layers_that_follow_each_other_are_a_span() -> None:
    assert spans([0, 2, 3, 4, 7]) == "layers 0, 2–4 and 7"


@pytest.mark.parametrize(
    ("prompt", "text"), [(WORDS, "a b"), (PromptTokens((12, 7, 99), ("12", "7", "99")), "12 7 99")]
)
def test_ids_are_not_glued_and_text_is_not_split(prompt: PromptTokens, text: str) -> None:
    assert prompt.text == text


def test_the_table_of_heads_has_analyses_above_their_fields() -> None:
    page = body(findings())
    assert "colspan='2'><span>mass</span>" in page and "colspan='1'><span>reach</span>" in page
    assert page.count("<th class='at'>") == 8 and "L3H1 softmax" in page


def test_a_head_without_a_number_has_none_in_the_table() -> None:
    holed = score(torch.tensor([[torch.nan, 1.0]] * 4))
    assert "<td class='first'>–</td><td>" not in body(findings())
    assert body(findings(results={"mass": holed})).count("<td class='first'>–</td>") == 4


def heatmap(*values: float) -> go.Figure:
    peak = max(map(abs, values)) or 1.0
    return go.Figure(go.Heatmap(z=np.array([values]), zmin=-peak, zmax=peak, name="mass"))


def lines(*views: Sequence[float], **axis: Any) -> go.Figure:
    traces = [go.Scatter(y=np.array(one), visible=at == 0) for at, one in enumerate(views)]
    return go.Figure(traces, {**menu_layout([str(at) for at in range(len(views))]), "yaxis": axis})


def colours(figure: Any) -> list[tuple[float, float]]:
    """From where to where each heatmap goes."""
    return [(trace.zmin, trace.zmax) for trace in figure.data]


def ranges(figure: go.Figure) -> list[Any]:
    """Of the y axis, and of every view of the menu."""
    plain = figure.to_dict()["layout"]
    menus = [button["args"][1]["yaxis.range"] for menu in plain.get("updatemenus", ()) for button in menu["buttons"]]
    return [plain["yaxis"]["range"], *menus]


def test_heatmaps_of_two_models_have_the_same_colours() -> None:
    weak, strong = heatmap(0.1, -0.2), heatmap(0.4, 0.1)
    on_shared_scales([weak, strong])
    assert colours(weak) == colours(strong) == [(-0.4, 0.4)]


def test_a_heatmap_of_zeros_has_no_say() -> None:
    empty, weak = heatmap(0.0, 0.0), heatmap(0.1, -0.2)
    on_shared_scales([empty, weak])
    assert colours(empty) == colours(weak) == [(-0.2, 0.2)]


def test_a_heatmap_from_0_beside_a_signed_one_takes_its_scale() -> None:
    figures: list[Any] = [score(torch.tensor([row])).figure() for row in ([0.1, 0.4], [0.2, -0.3])]
    assert colours(figures[0])[0][0] == 0 and figures[0].data[0].colorscale != figures[1].data[0].colorscale
    on_shared_scales(figures)
    assert np.allclose(colours(figures[0]), (-0.4, 0.4)) and colours(figures[0]) == colours(figures[1])
    assert figures[0].data[0].colorscale == figures[1].data[0].colorscale


def test_heatmaps_from_0_stay_so_side_by_side() -> None:
    figures: list[Any] = [score(torch.tensor([row])).figure() for row in ([0.1, 0.5], [0.2, 0.25], [0.0, 0.0])]
    on_shared_scales(figures)
    assert {colours(figure)[0] for figure in figures} == {(0.0, 0.5)}


def test_lines_of_two_models_have_the_same_range_in_every_view() -> None:
    low, high = lines([0.0, 1.0], [5.0, 6.0]), lines([2.0, 4.0], [7.0, 105.0])
    on_shared_scales([low, high])
    assert ranges(low) == ranges(high)
    assert np.allclose(ranges(low), [[-0.2, 4.2], [-0.2, 4.2], [0.0, 110.0]])


def test_a_logarithmic_axis_is_shared_over_what_is_above_0() -> None:
    low, high = lines([0.0, 0.01], type="log"), lines([1.0, 100.0], type="log")
    on_shared_scales([low, high])
    assert np.allclose(ranges(low), [[-2.2, 2.2]]) and ranges(low) == ranges(high)


def test_a_range_that_a_figure_has_stays() -> None:
    figures = [lines([0.0, 3.0], range=[0, 1]), lines([0.0, 0.5], range=[0, 1])]
    on_shared_scales(figures)
    assert [list(ranges(one)[0]) for one in figures] == [[0, 1]] * 2


def test_figures_that_are_not_alike_are_left_alone() -> None:
    figures = [lines([0.0, 3.0], [1.0, 2.0]), lines([0.0, 0.5])]
    before = [one.to_json() for one in figures]
    on_shared_scales(figures)
    assert [one.to_json() for one in figures] == before


def test_quadrants_are_numbers_of_every_head() -> None:
    pattern, ov = torch.randn(2, 3, 4, 4).tril(), torch.randn(2, 3, 4)
    found = quadrants(pattern, ov, torch.ones(2, 4, 1))
    numbers = numbers_per_head(found)
    assert [f"share.{name}" in numbers for name in QUADRANTS] == [True] * 4
    assert torch.equal(torch.stack([numbers[f"share.{name}"] for name in QUADRANTS], -1), found.share)


def test_what_runs_along_tokens_is_no_number_of_a_head() -> None:
    along = torch.zeros(4, 2, 3)
    found = SourceAttribution(along, along, along, "a logit", about=ABOUT, labels={"key": ("a", "a", "b")})
    assert numbers_per_head(found) == {}


def test_csv_is_the_table_of_heads() -> None:
    rows = findings().to_csv().splitlines()
    assert rows[0] == "layer,head,attention,mass.value,mass.value_null,reach.value"
    assert rows[1] == "0,0,softmax,0.0,0.5,0.0" and len(rows) == 9


def test_findings_say_what_they_are_in_one_line() -> None:
    assert repr(findings()) == "Findings(cog, 1 prompt: mass, reach)"
    assert repr(findings(prompts=(WORDS, WORDS))).startswith("Findings(cog, 2 prompts: ")


def test_in_a_notebook_every_analysis_has_its_question_and_its_figure() -> None:
    shown = findings(questions={"mass": "<b> or not"})._repr_html_()
    assert "&lt;b&gt; or not" in shown and "found[&#x27;reach&#x27;].figure()" in shown


def test_a_label_that_one_prompt_lacks_is_not_the_mean_s() -> None:
    named = replace(score(), labels={"head": ("a", "b")})
    assert averaged([named, score()]).mean.labels == averaged([score(), named]).mean.labels == {}
    assert averaged([named, named]).mean.labels == {"head": ("a", "b")}


def test_a_number_that_one_prompt_lacks_has_no_mean() -> None:
    for results in ([score(null=0.5), score()], [score(), score(null=0.5)]):
        with pytest.raises(ValueError, match="says another thing of every prompt"):
            averaged(results)

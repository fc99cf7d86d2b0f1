"""Every kind of figure there is: on a dark page, and beside its numbers as tables."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from colour_contrast import contrast
from pictures_of_figures import drawn_and_asked, words_in
from result_kinds import result_kinds
from tiny_diffusion import tiny_uvit
from tiny_models import CORPUS, hooked_tiny, tiny_folder

from headscope import effective_pattern
from headscope.interp.arms.arm_gains import arm_gains
from headscope.interp.arms.arm_points import arm_points
from headscope.interp.arms.arms import arm_curves, arm_grid, arm_numbers, arms
from headscope.interp.arms.claim_intervals import claim_intervals
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Trial, TrialOutcome
from headscope.interp.arms.verdict import Verdict, bound_answer, equivalence_answer, superiority_answer
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.circuits import full_ov, ov_top_tokens
from headscope.interp.collapse.comparison import collapse_comparison
from headscope.interp.collapse.curves import collapse
from headscope.interp.collapse.pairs import CollapsePair
from headscope.interp.collapse.tokens.spread_comparison import spread_comparison
from headscope.interp.corpus.head_passages import head_passages
from headscope.interp.deletion.of_head import NEEDS, head_contributions
from headscope.interp.diffusion.image_grid import image_grid
from headscope.interp.diffusion.patch_attention import patch_attention
from headscope.interp.diffusion.timesteps import over_timesteps
from headscope.interp.figures.circuits import eigenvalue_figure
from headscope.interp.figures.deletion import attention_contribution_figure
from headscope.interp.figures.drawing.dark import DARK_HOLE, DARK_POSITIVE, DARK_SIGNED, PAGE, dark_figure
from headscope.interp.figures.geometry import angle_histogram_figure
from headscope.interp.figures.head_deletion import row_figure
from headscope.interp.figures.interventions import predictions_figure
from headscope.interp.figures.static.portable import PortableFigure
from headscope.interp.geometry.embedding import Embedding
from headscope.interp.geometry.rows import ROWS as GEOMETRY
from headscope.interp.geometry.rows import embedding_of
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.heads.head_difference import head_difference
from headscope.interp.heads.head_pattern import head_pattern
from headscope.interp.heads.similar_heads import similar_heads
from headscope.interp.interventions.continuation import continuation
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.results.about import About
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.result import Result
from headscope.interp.sweeps.over_checkpoints import checkpoint_curves
from headscope.interp.sweeps.sweep import sweep
from headscope.interp.trajectories.snapshot_patterns import snapshot_patterns
from headscope.models.data.images.ddim import sample

PROMPT = "def __init__(self, x):\n    self.x = x <s>"
NAMED = ("run",)  # a number that is shown as a name
PATCHING = ["activation_patching", "attribution_patching", "path_patching"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One result of every kind, by name."""
    model: Any = hooked_tiny("cog")
    score = HeadScore(torch.randn(2, 3), about=About("A score", "1", "x = 1", "headscope"))
    found: dict[str, Any] = {"score": score, **analyse(model, PROMPT, "all"), **of_one_head(model)}
    found |= analyse(model, "return x", PATCHING, choices=Choices("return y"))
    found |= analyse(hooked_tiny("selective"), PROMPT, ["temperatures"])
    found |= analyse(hooked_tiny("sink"), PROMPT, ["missing_mass"])
    folder = a_run(tmp_path_factory.mktemp("run"))
    choices = Choices(run=folder)
    curves = found["collapse_prompt"]
    found["effective pattern"] = effective_pattern(model, PROMPT, 1)
    found["comparison"] = collapse_comparison({"one": curves, "other": curves})
    found["spread comparison"] = spread_comparison({"one": found["perturbation"], "other": found["perturbation"]})
    found["snapshots"] = snapshot_patterns(folder, run_of_prompt).of_head(1, 0)
    found["one pair"] = collapse(model, [CollapsePair(2, (5, 7), (9, 7))], samples=2)
    swept = sweep([folder], [PROMPT], ["collapse_prompt"], out=folder.parent / "swept", steps="all", ray=False)
    where = "distance=L2 norm; depth=final norm"
    found["checkpoints"] = checkpoint_curves(swept, "collapse_prompt.distance", "prompts", "n", where)
    return {
        **found,
        **of_experiments(),
        **of_diffusion(),
        **analyse(model, "return x", ["trajectory"], choices=choices),
    }


def run_of_prompt(model: Any) -> AttentionRun:
    return attention_run(model, asked_of(model, [PROMPT], Choices(), prepend_bos=False).prompts[0])


def of_one_head(model: Any) -> dict[str, Result]:
    """What only the app asks for."""
    asked = asked_of(model, [PROMPT], Choices(), prepend_bos=False)
    [of_deletion] = gathered_activations(model, asked.prompts, NEEDS)
    [of_geometry] = gathered_activations(model, asked.prompts, GEOMETRY[0].needs)
    run = attention_run(model, asked.prompts[0])
    spaces = {f"map {dims}": embedding_of(asked.setting, of_geometry, 1, 0, Embedding(dims=dims)) for dims in (2, 3)}
    return spaces | {
        "head": head_contributions(asked.setting, of_deletion, 1, 0),
        "pattern": head_pattern(run, asked.setting.facts, 1, 0),
        "difference": head_difference(run, (1, 0), run, (0, 1)),
        "similar": similar_heads(run.patterns[1, 0], run.patterns),
        "continuation": continuation(model, asked.prompts[0], tokens=3),
        "passages": head_passages(model, [CORPUS[0] * 3], 1, 0, "deletion", 3, count=3, length=24),
        "effect": intervene(model, asked.prompts[0], [Intervention("zero", 1)]),
        "top": ov_top_tokens(full_ov(asked.setting.weights, 1, 0), 5),
    }


def of_experiments() -> dict[str, Result]:
    """Two arms with two seeds each."""
    numbers = {"loss": 1.0, "curve": [2.0, 1.0], "other": [0.5, -0.5]}
    conditions = [{"variant": variant, "size": size, "lag": 1} for variant in ("softmax", "cog") for size in (1, 2)]
    measured = tuple(TrialOutcome(Trial(one, seed), numbers, 1.0) for one in conditions for seed in range(2))
    found = arms(Outcome("E0", "smoke", {}, {}, measured), "variant")
    about = About("A number", "1", "x = 1", "headscope")
    return {
        "arm numbers": arm_numbers(found, "loss", about, 0.5),
        "arm curves": arm_curves(found, "curve", (1.0, 2.0), about, "n"),
        "arm grid": arm_grid(found, "loss", "size", "lag", about),
        "claims": claim_intervals({"E0": hand_made_verdicts()}),
        "arm gains": arm_gains(found, "softmax", "loss", "loss", about, "cost"),
        "arm points": arm_points(found, "curve", "other", about, "x", "y"),
    }


def hand_made_verdicts() -> list[Verdict]:
    """A claim that is reproduced, one that is not seen, and one of a bound."""
    high, low = np.array([2.0, 2.1, 2.2]), np.array([1.0, 1.1, 1.3])
    answers = superiority_answer(high, low), equivalence_answer(high, low, 0.9), bound_answer(high, below=1.0)
    return [Verdict("", "", "", answer, f"claim {at}") for at, answer in enumerate(answers)]


def of_diffusion() -> dict[str, Result]:
    """What is drawn of a diffusion model: its images, one query's attention, and what changes over timesteps."""
    model = tiny_uvit("cog")
    sampling = sample(model, torch.tensor([3]), steps=3)
    over = over_timesteps(model, sampling, 3)
    return {
        "images": image_grid(sampling.images, ("a 3",), "Samples"),
        "patches": patch_attention(model, sampling.path[0, 0], sampling.timesteps[0], 3, query=2),
        "patch collapse": over.collapse,
        "subtracted": over.subtracted,
    }


def a_run(folder: Path) -> Path:
    for step in ("step-000001", "step-000002"):
        tiny_folder(folder / step, "cog")
    return folder


@pytest.fixture(scope="module")
def figures(results: dict[str, Any]) -> dict[str, go.Figure]:
    """Every result's own figure, and those that are asked for by a function."""
    return {name: one.figure() for name, one in results.items()} | {
        "row": row_figure(results["head"]),
        "histogram": angle_histogram_figure(results["angles"]),
        "eigenvalues": eigenvalue_figure(results["qk_spectrum"]),
        "scatter": attention_contribution_figure(results["attention_contribution"]),
        "predictions": predictions_figure(results["effect"]),
    }


def test_there_is_a_result_of_every_kind_that_has_a_figure(results: dict[str, Any]) -> None:
    assert {type(one).__name__ for one in results.values()} == set(result_kinds())


def test_every_field_is_a_table_with_its_labels_and_real_numbers(results: dict[str, Any]) -> None:
    for name, result in results.items():
        for field, tensor in result.tensors().items():
            frame, axes = result.to_frame(field), result.axes()[field]
            labels = [f"{axis}_label" for axis in axes if axis in result.labels]
            assert len(frame) == tensor.numel() and {*axes, *labels} <= set(frame.columns), (name, field)
            assert not any(np.iscomplexobj(frame[column]) for column in frame), (name, field)
            columns = [f"{field}_real", f"{field}_imaginary"] if tensor.is_complex() else [field]
            parts = torch.view_as_real(tensor) if tensor.is_complex() else tensor[..., None]
            shown = np.stack([frame[column].to_numpy() for column in columns], -1)
            if field not in NAMED:
                np.testing.assert_array_equal(shown, parts.flatten(0, -2).numpy(), err_msg=f"{name} {field}")


def test_every_figure_is_a_small_picture_of_all_that_it_shows(figures: dict[str, go.Figure]) -> None:
    for name, figure in figures.items():
        assert isinstance(figure, PortableFigure), name
        drawn, there = drawn_and_asked(figure)
        assert drawn == there and there.total(), name
        svg = figure.svg()
        assert words_in(svg) and len(svg) < 60_000, name


def test_all_that_is_drawn_can_be_seen_on_a_dark_page(figures: dict[str, go.Figure]) -> None:
    pale = {
        (name, path, colour)
        for name, figure in figures.items()
        for path, colour in drawn_colours(dark_figure(figure))
        if contrast(colour, PAGE) < 2.5
    }
    assert not pale


def drawn_colours(figure: Any) -> Iterator[tuple[str, str]]:
    """The colours of lines, points, bars and words; zero is dark in a heatmap, and bars have the page around them."""
    for trace in figure.data:
        if trace.type != "heatmap":
            of_trace = trace.to_plotly_json()
            if trace.type == "bar":
                of_trace["marker"].pop("line")
            yield from colours_in(of_trace, trace.type)
    for shape in figure.layout.shapes:
        yield from colours_in(shape.to_plotly_json(), "shape")
    layout = figure.layout.to_plotly_json()
    layout.pop("template")
    yield from (("colorway", colour) for colour in layout["colorway"])
    yield "font", layout["font"]["color"]
    yield from (("menu", menu.bgcolor) for menu in figure.layout.updatemenus)


def colours_in(properties: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, value in properties.items():
        if isinstance(value, Mapping):
            yield from colours_in(value, f"{path}.{name}")
        elif name.endswith(("color", "colorscale")):
            yield from ((f"{path}.{name}", colour) for colour in flat(value) if isinstance(colour, str))


def flat(value: Any) -> Iterator[Any]:
    for one in value if isinstance(value, list | tuple | np.ndarray) else [value]:
        yield from flat(one) if isinstance(one, list | tuple) else [one]


def test_heatmaps_are_dark_at_zero_and_their_holes_are_seen(figures: dict[str, go.Figure]) -> None:
    for name, light_figure in figures.items():
        figure: Any = dark_figure(light_figure)
        for trace in (one for one in figure.data if one.type == "heatmap"):
            expected = DARK_SIGNED if trace.zmin < 0 else DARK_POSITIVE
            assert [list(stop) for stop in trace.colorscale] == expected, name
        if figure.data and all(one.type == "heatmap" for one in figure.data):
            assert figure.layout.plot_bgcolor == DARK_HOLE and figure.layout.paper_bgcolor == PAGE, name
    assert contrast(DARK_HOLE, PAGE) > 1.4 and contrast(DARK_SIGNED[5][1], PAGE) < 1.1


def test_a_dark_figure_has_the_same_data_and_template_and_leaves_the_light_one(figures: dict[str, go.Figure]) -> None:
    for name, figure in figures.items():
        before = figure.to_json()
        dark: Any = dark_figure(figure)
        light_one: Any = figure
        assert figure.to_json() == before, name
        assert dark.layout.template == light_one.layout.template, name
        assert [without_colours(one.to_plotly_json()) for one in dark.data] == [
            without_colours(one.to_plotly_json()) for one in light_one.data
        ], name
        assert [menu.buttons for menu in dark.layout.updatemenus] == [m.buttons for m in light_one.layout.updatemenus]


def without_colours(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The rest, comparable."""
    kept = {name: value for name, value in properties.items() if not name.endswith(("color", "colorscale"))}
    nested = {name: without_colours(value) for name, value in kept.items() if isinstance(value, Mapping)}
    plain = {name: repr(value) for name, value in kept.items() if name not in nested}
    return plain | {name: value for name, value in nested.items() if value}

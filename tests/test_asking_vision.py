"""Analyses of vision transformers: every one says what is true of an image, or is left out with a reason."""

import json
from functools import cache
from typing import Any

import pytest
import torch
from tiny_decoders import SPECS
from tiny_models import hooked_tiny
from tiny_vits import CLASSES, HEADS, LAYERS, TOKENS, random_images, tiny_vit
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Analysis
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.table import ANALYSES
from headscope.interp.attribution.direct import DirectAttribution, SourceAttribution
from headscope.interp.attribution.logit_lens import LogitLens
from headscope.interp.collapse.paths import PathBound
from headscope.interp.collapse.squashing import Squashing
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.sweep import sweep
from headscope.interp.reading.activations import MIXING, gathered_activations
from headscope.interp.reading.image_prompt import ImagePrompt, image_prompt
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.report.page import report
from headscope.interp.rows.dilution import dilution_slope
from headscope.interp.rows.of_model import model_row_curves
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import hooked

BY_ENTRY = "gated by element"
every_spec = pytest.mark.parametrize("name", SPECS)
LABEL = 3


@cache
def model(name: str = "cog") -> Any:
    return hooked(tiny_vit(name))


def image(name: str = "cog", seed: int = 0, label: int | None = LABEL) -> ImagePrompt:
    return image_prompt(random_images(1, seed)[0], model(name).original_model.config, "noise", label)


@cache
def found(name: str) -> Findings:
    return analyse(model(name), image(name), "all")


@torch.no_grad()
def logits(name: str) -> Tensor:
    return model(name)(random_images(1))[0]


@every_spec
def test_every_analysis_is_done_or_left_out_with_a_reason(name: str) -> None:
    said = found(name)
    assert {*said, *said.left_out} == set(ANALYSES)
    assert all(said.left_out.values())
    assert json.loads(json.dumps(said.to_json()))["facts"]["reads"] == "image"


@every_spec
def test_every_figure_and_table_can_be_made(name: str) -> None:
    for result in found(name).values():
        assert result.figure().data
        assert len(result.to_frame())
    assert len(found(name).to_frame()) == LAYERS * HEADS


def test_what_is_asked_for_by_name_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match="detectors looks for tokens that come again"):
        analyse(model(), image(), ["detectors"])


def test_nothing_is_said_of_prompts_or_of_last_tokens() -> None:
    for result in found("cog").values():
        said = f"{result.about.title} {result.about.law} {result.about.plain} {result.about.null}"
        assert "prompt" not in said and "last token" not in said
    assert "prompt" not in " ".join(found("cog").questions.values())


def test_the_report_names_the_image() -> None:
    assert "noise" in report([found("cog")])


@every_spec
def test_components_sum_to_the_logit_of_the_likeliest_class(name: str) -> None:
    told = found(name).of("direct_logit_attribution", DirectAttribution)
    assert_close(told.component.sum(), logits(name).max(), atol=1e-4, rtol=1e-4)
    assert told.labels["target"] == (f"class {int(logits(name).argmax())}",)


@every_spec
def test_sources_sum_to_the_head_at_the_class_token(name: str) -> None:
    if name == BY_ENTRY:
        assert "gated entry by entry" in found(name).left_out["source_attribution"]
        return
    sources = found(name).of("source_attribution", SourceAttribution)
    heads = found(name).of("direct_logit_attribution", DirectAttribution)
    assert_close(sources.value.sum(-1), heads.head, atol=1e-4, rtol=1e-4)
    assert sources.labels["key"][:2] == ("CLS", "r0c0")


@every_spec
def test_the_lens_ends_in_the_logits_of_the_class_token(name: str) -> None:
    lens = found(name).of("logit_lens", LogitLens)
    assert lens.labels["target"] == ("likeliest class", "true class")
    expected = logits(name)[[int(logits(name).argmax()), LABEL]]
    assert_close(lens.logit[-1, 0], expected, atol=1e-4, rtol=1e-4)


@every_spec
def test_the_matrices_are_what_the_model_computes(name: str) -> None:
    weights = head_weights(model(name))
    names = ("hook_resid_pre", "hook_resid_post", "ln1.hook_scale", "ln_final.hook_scale", "attn.hook_q")
    [run] = gathered_activations(model(name), [image(name)], names)
    normed = run["hook_resid_pre"] / run["ln1.hook_scale"]
    queries = torch.einsum("lpm,lhmd->lphd", normed, weights.W_Q) + weights.b_Q[:, None]
    assert_close(run["attn.hook_q"], queries, atol=1e-4, rtol=1e-4)
    read = run["hook_resid_post"][-1, 0] / run["ln_final.hook_scale"][0] @ weights.W_U + weights.b_U
    assert_close(run.logits[-1], read, atol=1e-4, rtol=1e-4)
    assert weights.W_E.shape[0] == 0


@every_spec
def test_a_run_keeps_the_whole_pattern(name: str) -> None:
    run = attention_run(model(name), image(name))
    assert bool(run.visible.all()) and run.visible.shape == (LAYERS, TOKENS, TOKENS)
    assert bool((run.patterns.triu(1) != 0).any())
    assert run.tokens.strings[0] == "CLS" and run.tokens.strings[-1] == "r3c3"


def test_predictions_are_of_classes() -> None:
    run = attention_run(model(), image())
    probabilities = logits("cog").softmax(-1)
    assert_close(run.predictions.probabilities[0], probabilities.sort(descending=True).values)
    assert_close(run.predictions.actual_probability, probabilities[[LABEL]])
    assert int(run.predictions.actual_rank) == int((probabilities > probabilities[LABEL]).sum())
    unknown = attention_run(model(), image(label=None)).predictions
    assert unknown.actual_probability.shape == (0,)


@every_spec
def test_rows_without_a_pattern_are_those_of_the_pattern(name: str) -> None:
    curves, run = model_row_curves(model(name), image(name)), attention_run(model(name), image(name))
    assert_close(curves.entropy, run.rows.entropy, atol=1e-4, rtol=1e-4, equal_nan=True)  # of rows without weights
    assert_close(curves.first_token_mass, run.rows.first_token_mass, atol=1e-5, rtol=1e-4, equal_nan=True)
    assert bool((curves.visible_keys == TOKENS).all())
    assert bool(curves.mean_distance.isnan().all())


def test_rows_of_one_length_have_no_slope() -> None:
    assert bool(dilution_slope(torch.rand(2, 3, TOKENS), torch.full((1, 1, TOKENS), TOKENS)).isnan().all())


@every_spec
def test_paths_lead_to_the_class_token(name: str) -> None:
    if name == BY_ENTRY:
        assert "gated entry by entry" in found(name).left_out["path_bound"]
        return
    bound = found(name).of("path_bound", PathBound)
    [run] = gathered_activations(model(name), [image(name)], [MIXING])
    product = torch.eye(TOKENS, dtype=torch.float64)
    for layer in run[MIXING]:
        product = (layer.abs().double().mean(0) + torch.eye(TOKENS)) @ product
    assert bound.labels["pos"] == (*run.tokens.strings[1:], "CLS")
    assert_close(bound.bound, product[0].roll(-1), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["softmax", "expressive", "selective", "polynomial"])
def test_the_class_token_depends_on_every_patch(name: str) -> None:
    told = found(name).of("squashing", Squashing)
    assert bool((told.norm > 0).all()) and bool((told.norm_null > 0).all())


@every_spec
def test_a_head_zeroed_alone_is_that_head_of_the_sweep(name: str) -> None:
    swept = sweep(model(name), image(name), ["zero"])
    alone = intervene(model(name), image(name), [Intervention("zero", layer=1, head=2)], target=LABEL)
    assert_close(swept.kl[0, 1, 2], alone.kl[0], atol=1e-6, rtol=1e-3)
    assert_close(swept.loss_change[0, 1, 2], alone.loss_change[0], atol=1e-6, rtol=1e-3)
    assert alone.target_change is not None and alone.target_change.shape == (1,)
    assert alone.labels["position"] == ("CLS",)


def test_an_intervention_on_the_upper_triangle_works() -> None:
    told = intervene(model(), image(), [Intervention("set", layer=1, head=0, query=0, key=TOKENS - 1, value=3.0)])
    assert float(told.kl[0]) > 0


def test_without_a_label_no_loss_is_said() -> None:
    told = intervene(model(), image(label=None), [Intervention("zero", layer=1)])
    assert bool(told.loss_change.isnan().all())


def test_several_images_have_a_mean_and_run_in_one_batch() -> None:
    names = ["negative_mass", "sinks"]
    both = analyse(model(), [image(), image(seed=1)], names)
    each = [analyse(model(), image(seed=seed), names) for seed in (0, 1)]
    for name in names:
        for key, mean in both[name].tensors().items():
            assert_close(mean, torch.stack([one[name].tensors()[key] for one in each]).mean(0), equal_nan=True)


def test_a_model_of_images_introduces_itself() -> None:
    facts = model_facts(model())
    assert (facts.reads, facts.grid, facts.image_size, facts.context) == ("image", (4, 4), (1, 8, 8), TOKENS)
    assert facts.classes == tuple(str(digit) for digit in range(CLASSES)) and facts.vocabulary == CLASSES


@pytest.mark.parametrize("prompt", ["a text", PromptTokens((1, 2), ("a", "b"))])
def test_a_text_for_a_model_of_images_is_refused(prompt: Any) -> None:
    with pytest.raises(ValueError, match="this model reads images, and a text was given"):
        analyse(model(), prompt)


def test_an_image_for_a_language_model_is_refused() -> None:
    with pytest.raises(ValueError, match="this model reads texts, and an image was given"):
        analyse(hooked_tiny("cog"), image())


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (torch.zeros(3, 8, 8), "reads images of 1 × 8 × 8"),
        (torch.zeros(1, 9, 9), "has 1 × 9 × 9"),
        (torch.full((1, 8, 8), torch.nan), "pixels that are no finite numbers"),
    ],
)
def test_images_that_the_model_cannot_read_are_refused(pixels: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        image_prompt(pixels, model().original_model.config)


def test_every_row_of_the_table_that_reads_tokens_of_a_vocabulary_says_so() -> None:
    readers = {name for name, row in ANALYSES.items() if isinstance(row, Analysis) and row.text_only}
    assert {"deletion", "decision_plane", "detectors", "prompt_copying", "copying", "diagonal_ranks"} <= readers

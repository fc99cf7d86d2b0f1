"""Analyses of encoders: at the mask, or of attention alone; what asks more is left out with a true reason."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from tiny_encoders import (
    CLASSIFIERS,
    MASKED,
    PICTURES,
    WHOLE,
    bare_encoder,
    masked_model,
    picture_classifier,
    pixels_of,
    word_tokenizer,
)
from tiny_models import hooked_tiny
from torch.testing import assert_close

from headscope import Choices, analyse
from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.table import ANALYSES
from headscope.interp.attribution.logit_lens import LogitLens
from headscope.interp.attribution.patching import Patching
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.interventions.path_patching import PathPatching
from headscope.interp.interventions.sweep import InterventionSweep
from headscope.interp.reading.image_prompt import image_prompt
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked

AT_MASK = 6  # [CLS] the capital of france is [MASK] . [SEP]
CORRUPT = "the capital of rome is [MASK] ."


@cache
def bert(family: str = "bert") -> Any:
    return hooked(masked_model(family), word_tokenizer())


@cache
def vision(family: str, *, classes: bool = False) -> Any:
    return hooked((picture_classifier if classes else bare_encoder)(family))


@cache
def found(prompt: str) -> Findings:
    return analyse(bert(), prompt, "all")


def picture(family: str, **how: bool) -> Any:
    return image_prompt(pixels_of()[0], vision(family, **how).original_model.config)


@torch.no_grad()
def logits_at_mask() -> torch.Tensor:
    ids = torch.tensor([[2, 5, 6, 7, 8, 9, 4, 12, 3]])
    return bert()(ids)[0, AT_MASK]


@pytest.mark.parametrize("prompt", [MASKED, WHOLE])
def test_every_analysis_is_done_or_left_out_with_a_reason(prompt: str) -> None:
    findings = found(prompt)
    assert {*findings, *findings.left_out} == set(ANALYSES) and all(findings.left_out.values())
    assert json.loads(json.dumps(findings.to_json()))["facts"]["reads"] == "masked text"
    assert all(result.figure().data and len(result.to_frame()) for result in findings.values())


def test_the_prompt_stands_between_its_ends_and_the_mask_is_asked() -> None:
    [prompt] = found(MASKED).prompts
    assert isinstance(prompt, PromptTokens) and prompt.strings[0] == "[CLS]" and prompt.strings[-1] == "[SEP]"
    assert (prompt.mask, prompt.read_out, prompt.is_ordered, prompt.is_continued) == (AT_MASK, AT_MASK, False, False)
    [bare] = analyse(bert(), MASKED, ["patterns"], prepend_bos=False).prompts
    assert len(bare) == len(prompt) - 2


def test_predictions_are_of_the_mask() -> None:
    run = attention_run(bert(), found(MASKED).prompts[0])
    assert_close(run.predictions.probabilities[0], logits_at_mask().softmax(-1).topk(10).values)
    assert bool((run.patterns.triu(1) != 0).any())


def test_the_lens_ends_in_the_logits_at_the_mask() -> None:
    lens = found(MASKED).of("head_lens", LogitLens)
    assert lens.labels["target"] == ("likeliest token",) and lens.labels["pos"] == ("[MASK]",)
    assert_close(lens.logit[-1, 0, 0], logits_at_mask().max(), atol=1e-5, rtol=1e-5)


def test_of_a_decoder_both_lenses_say_the_same_at_the_last_token() -> None:
    findings = analyse(hooked_tiny("cog"), "return x", ["logit_lens", "head_lens"])
    through_head, by_matrix = (findings.of(name, LogitLens) for name in ("head_lens", "logit_lens"))
    assert_close(through_head.logit[:, 0, 0], by_matrix.logit[:, -1, 1], atol=1e-3, rtol=1e-3)


def test_an_edit_is_weighed_at_the_mask() -> None:
    prompt = found(MASKED).prompts[0]
    alone = intervene(bert(), prompt, [Intervention("zero", layer=1, head=2)], target=10)
    swept = found(MASKED).of("interventions", InterventionSweep)
    kinds = swept.labels["kind"]
    assert alone.labels["position"] == ("[MASK]",) and alone.kl.shape == (1,)
    assert_close(swept.kl[kinds.index("zero"), 1, 2], alone.kl[0], atol=1e-6, rtol=1e-3)


def test_patching_restores_the_difference_at_the_mask() -> None:
    choices = Choices(corrupt=CORRUPT, target="paris", distractor="rome")
    findings = analyse(
        bert(), MASKED, ["activation_patching", "attribution_patching", "path_patching"], choices=choices
    )
    told = findings.of("activation_patching", Patching)
    assert told.clean == pytest.approx(float(logits_at_mask()[10] - logits_at_mask()[11]), abs=1e-4)
    assert_close(told.resid_pre[0, 4], torch.tensor(1.0), atol=1e-3, rtol=0)  # the one word in which they differ
    assert float(findings.of("path_patching", PathPatching).change.abs().max()) > 0


def test_a_prompt_without_a_mask_is_told_where_to_put_one() -> None:
    for name in ("head_lens", "interventions"):
        assert found(WHOLE).left_out[name].endswith("this prompt has none: put [MASK] in the place of a word")
    with pytest.raises(ValueError, match=r"^interventions asks what stands at a mask, and this prompt has none: put"):
        analyse(bert(), WHOLE, ["interventions"])
    with pytest.raises(ValueError, match="not every prompt has one"):
        analyse(bert(), [MASKED, WHOLE], ["interventions"])


def test_without_a_tokenizer_the_place_of_the_mask_is_given() -> None:
    model = hooked(masked_model())
    ids = PromptTokens((2, 5, 4, 3), ("2", "5", "4", "3"))
    with pytest.raises(ValueError, match="no tokenizer names the mask, so give a PromptTokens with its place"):
        analyse(model, ids, ["interventions"])
    assert "interventions" in analyse(model, replace(ids, mask=2), ["interventions"])


def test_several_prompts_ask_each_at_its_mask() -> None:
    both = analyse(bert(), [MASKED, "the [MASK] of france is paris ."], ["interventions"])
    each = [analyse(bert(), text, ["interventions"]) for text in (MASKED, "the [MASK] of france is paris .")]
    assert both.prompts[1].read_out == 2
    mean = torch.stack([one.of("interventions", InterventionSweep).kl for one in each]).mean(0)
    assert_close(both.of("interventions", InterventionSweep).kl, mean)


def test_what_looks_back_and_what_reads_logits_of_a_plain_matrix_is_left_out() -> None:
    assert "sees those after it too" in found(MASKED).left_out["detectors"]
    assert "off the logits" in found(MASKED).left_out["direct_logit_attribution"]


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_other_families_answer_at_the_mask_too(family: str) -> None:
    findings = analyse(bert(family), MASKED, ["head_lens", "sinks", "residual_geometry"])
    lens = findings.of("head_lens", LogitLens)
    ids = torch.tensor([found(MASKED).prompts[0].ids])  # type: ignore[union-attr]
    with torch.no_grad():
        assert_close(lens.logit[-1, 0, 0], bert(family)(ids)[0, AT_MASK].max(), atol=1e-5, rtol=1e-5)


# Without a head


def test_a_bare_encoder_of_texts_has_attention_alone() -> None:
    model = hooked(bare_encoder("bert"), word_tokenizer())
    findings = analyse(model, WHOLE, "all")
    assert {"patterns", "sinks", "path_bound", "residual_geometry", "composition"} <= {*findings}
    assert findings.left_out["interventions"] == (
        "reads logits, and this model has no head that gives any: its attention is what can be read"
    )
    assert attention_run(model, findings.prompts[0]).predictions.ids.shape == (len(findings.prompts[0]), 0)


@pytest.mark.parametrize("family", PICTURES)
def test_a_bare_vision_encoder_has_attention_over_the_picture(family: str) -> None:
    findings = analyse(vision(family), picture(family), "all")
    assert {*findings, *findings.left_out} == set(ANALYSES) and all(findings.left_out.values())
    assert {"patterns", "sinks", "path_bound", "squashing", "composition"} <= {*findings}
    for name in ("interventions", "logit_lens", "head_lens", "direct_logit_attribution"):
        assert "this model has no head that gives any" in findings.left_out[name]


LEADING = {
    "dinov2": ("CLS",),
    "dinov2_with_registers": ("CLS", "REG0", "REG1", "REG2", "REG3"),
    "clip_vision_model": ("CLS",),
    "siglip_vision_model": (),
}


@pytest.mark.parametrize("family", LEADING)
def test_the_tokens_before_the_patches_have_names(family: str) -> None:
    prompt, facts = picture(family), model_facts(vision(family))
    assert prompt.strings == (*LEADING[family], *(f"r{row}c{column}" for row in range(4) for column in range(4)))
    assert facts.leading == LEADING[family] and facts.context == len(prompt) and facts.classes == ()
    run = attention_run(vision(family), prompt)
    assert run.patterns.shape[-1] == len(prompt)
    assert prompt.words.last == ("class token" if LEADING[family] else "last patch")


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_classifier_over_several_tokens_is_read_through_the_head(family: str) -> None:
    prompt = picture(family, classes=True)
    findings = analyse(vision(family, classes=True), prompt, ["head_lens", "interventions"])
    lens = findings.of("head_lens", LogitLens)
    with torch.no_grad():
        logits = vision(family, classes=True)(pixels_of()[:1])[0]
    assert_close(lens.logit[-1, 0, 0], logits.max(), atol=1e-5, rtol=1e-5)
    assert lens.labels["target"] == ("likeliest class",)


def test_facts_of_a_masked_language_model() -> None:
    facts = model_facts(bert())
    assert (facts.reads, facts.mask, facts.mask_id, facts.is_causal, facts.has_bos) == (
        *("masked text", "[MASK]", 4),
        *(False, True),
    )
    assert asked_of(bert(), [MASKED], Choices(), None).bos

"""A hybrid's mixers stand for heads: what reads a pattern reads their effective ones, and nothing else of them."""

from typing import Any

import pytest
import torch
from mixer_cases import LENGTH, hybrid, prompt
from tiny_models import hooked_tiny
from torch.testing import assert_close

from headscope import analyse, effective_pattern, mixers
from headscope.interp.collapse.sinks import Sinks
from headscope.interp.deletion.contributions import Contributions
from headscope.interp.detectors.scores import DetectorScores, detector_scores
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_pattern import head_pattern
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.heads import HeadRows
from headscope.interp.weights.head_weights import head_weights

FAMILY = "qwen3_next"


@pytest.fixture(scope="module")
def view() -> Any:
    return mixers(hybrid(FAMILY))


@pytest.fixture(scope="module")
def patterns() -> torch.Tensor:
    """Of the two mixers before their gates, [layer, head, query, key]."""
    return torch.stack([effective_pattern(hybrid(FAMILY), prompt(), at).mixing.nan_to_num() for at in (0, 2)])


@pytest.fixture(scope="module")
def findings(view: Any) -> Any:
    return analyse(view, [prompt()])


def test_it_has_the_layers_that_have_no_attention(view: Any) -> None:
    assert view.facts.layer_variants == ("Gated DeltaNet", "", "Gated DeltaNet", "")
    assert (view.facts.heads, view.facts.head_layers) == (4, (0, 2))
    assert head_weights(view).head_layers == (0, 2)


def test_a_run_has_their_effective_patterns(view: Any, patterns: torch.Tensor) -> None:
    run = attention_run(view, prompt())
    assert_close(run.patterns[[0, 2]], patterns, rtol=1e-4, atol=1e-6)
    assert torch.equal(run.visible[2], torch.ones(LENGTH, LENGTH).tril().bool()) and not run.visible[1].any()
    assert_close(run.predictions.ids, attention_run(hybrid(FAMILY), prompt()).predictions.ids)
    assert head_pattern(run, view.facts, 2, 1).about.source == "Yang et al. 2024, arXiv 2412.06464"


@torch.no_grad()
def test_prompts_of_a_batch_are_read_apart(view: Any) -> None:
    other = prompt(shift=1)
    both = gathered_activations(view, [prompt(), other], ["attn.hook_pattern", "attn.hook_z"])
    [alone] = gathered_activations(view, [other], ["attn.hook_pattern", "attn.hook_z"])
    for name in ("attn.hook_pattern", "attn.hook_z"):
        assert_close(both[1][name], alone[name], rtol=1e-4, atol=1e-5)


def test_detectors_and_sinks_read_them(findings: Any, patterns: torch.Tensor) -> None:
    seen = torch.ones(2, LENGTH, LENGTH).tril().bool()
    expected = detector_scores(patterns, torch.tensor(prompt().ids), seen)
    assert_close(findings.of("detectors", DetectorScores).share[:, [0, 2]], expected.share, equal_nan=True)
    first = (patterns.abs() / patterns.abs().sum(-1, keepdim=True))[..., 0]
    assert_close(findings.of("sinks", Sinks).share[[0, 2]], first.mean(-1), rtol=1e-3, atol=1e-4)


def test_row_statistics_have_no_number_that_asks_for_scores(findings: Any, patterns: torch.Tensor) -> None:
    rows = findings.of("row_statistics", HeadRows)
    assert_close(rows.frobenius[[0, 2]], patterns.square().sum((-1, -2)).sqrt())
    assert rows.jacobian_norm.isnan().all() and rows.entropy_null.isnan().all()
    assert rows.entropy[[0, 2]].isfinite().all() and rows.entropy[[1, 3]].isnan().all()


@pytest.mark.parametrize("is_mixer", [True, False])
def test_what_all_keys_add_to_one_logit_is_the_gated_output_along_it(view: Any, is_mixer: bool) -> None:
    model, again = view if is_mixer else hybrid(FAMILY), PromptTokens((7,) * LENGTH, ("a",) * LENGTH)
    of_head = analyse(model, [again], ["contributions"]).of("contributions", Contributions)
    [name] = of_head.labels["head"]
    weights = head_weights(model)
    at, head = weights.of_head(int(name[1]), int(name[3]))
    [run] = gathered_activations(model, [again], ["attn.hook_z", "ln_final.hook_scale"])
    logit = run["attn.hook_z"][at, :, head] @ weights.W_O[at, head] @ weights.W_U_centred[:, 7]
    expected = logit / run["ln_final.hook_scale"][:, 0]
    assert_close(of_head.contribution[0].sum(-1), expected, rtol=1e-4, atol=1e-5)


def test_what_is_no_question_to_mixers_is_left_out_by_name(findings: Any) -> None:
    reasons = {
        "interventions": "mixers are read by their rows alone",
        "source_attribution": "is gated entry by entry",
        "angles": "reads attn.hook_rot_q, which layers without attention do not have",
        "qk_spectrum": "no matrix is",
        "path_bound": "in the layers 1, 3 of this model tokens are mixed without them",
    }
    assert {name: words in findings.left_out[name] for name, words in reasons.items()} == dict.fromkeys(reasons, True)


def test_every_result_is_drawn_and_tabled(findings: Any) -> None:
    for result in findings.values():
        result.figure()
    table = findings.to_frame()
    assert table["layer"].tolist() == [0] * 4 + [2] * 4 and set(table["attention"]) == {"Gated DeltaNet"}


def test_a_matrix_that_does_not_write_as_it_says_is_found_out() -> None:
    left_out = analyse(mixers(hybrid("granitemoehybrid")), [prompt()]).left_out  # which scales what its layers write
    assert "the sum of z W_O is" in left_out["deletion"]


def test_an_edit_is_refused(view: Any) -> None:
    halved = ("blocks.0.attn.hook_pattern", lambda value, hook: value / 2)
    with pytest.raises(ValueError, match="hook_pattern of a mixer is read and not edited"):
        view.run_with_hooks(torch.tensor([prompt().ids]), fwd_hooks=[halved])


def test_a_model_without_such_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="this model has no layer that mixes tokens by Gated DeltaNet"):
        mixers(hooked_tiny("cog"))

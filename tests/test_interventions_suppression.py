"""Copy suppression by ablation, against runs that change one head at a time and parts that are summed by hand."""

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from hooked_logits import logits_of
from layer_calls import counted_tokens
from tiny_decoders import CONFIGS, attached
from tiny_models import hooked_tiny, tiny_model
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.interventions import suppression_effect as suppression_module
from headscope.interp.interventions.divergence import divergence
from headscope.interp.interventions.kept_run import kept_runs
from headscope.interp.interventions.layer_heads import LayerHeads, layer_heads
from headscope.interp.interventions.suppression_effect import SuppressionEffect, suppression, suppression_effect
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import HeadWeights, head_weights
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

IDS = ((5, 17, 9, 5, 88, 17, 64), (33, 40, 9, 33), (7, 21, 9, 7, 88, 21, 64))
PROMPTS = [PromptTokens(one, tuple(map(str, one))) for one in IDS]
GEMMAS = ("gemma2", "gemma3_text")


@cache
def model(name: str = "cog") -> Any:
    """A variant in the tiny model, or cog in a family."""
    return hooked(attached(name, "cog")) if name in CONFIGS else hooked_tiny(name)


@cache
def weights(name: str = "cog") -> HeadWeights:
    return head_weights(model(name))


@cache
def centred(name: str) -> Tensor:
    """Unembeddings less their mean."""
    return weights(name).W_U - weights(name).W_U.mean(1, keepdim=True)


@cache
def explained(name: str = "cog") -> SuppressionEffect:
    return suppression_effect(model(name), PROMPTS, samples=1)


@cache
def runs_of(name: str, layer: int) -> list[LayerHeads]:
    return layer_heads(model(name), weights(name), kept_runs(model(name), PROMPTS), layer)


def by_hand(run: LayerHeads, W_U: Tensor, head: int, query: int) -> Tensor:
    """S of one head at one position, summed over the source tokens."""
    found = torch.zeros(W_U.shape[0])
    of_group = head * run.values.shape[1] // len(run.W_O)
    for s in range(query + 1):
        unit = W_U[:, run.ids[s]] / W_U[:, run.ids[s]].norm()
        written = run.pattern[head, query, s] * run.values[s, of_group] @ run.W_O[head] / run.scale[query]
        found += min(0.0, float(written @ unit)) * unit
    return found


def one_by_one(name: str, layer: int, head: int, kept: Callable[[LayerHeads], Tensor]) -> Tensor:
    """Mean KL over all positions, the rest of one head's output averaged in one prompt at a time."""
    rests = [run.output[head] - kept(run) for run in runs_of(name, layer)]
    mean, kl = torch.cat(rests).mean(0), []
    for run, rest in zip(runs_of(name, layer), rests, strict=True):
        hook = (f"blocks.{layer}.hook_attn_out", lambda out, hook, rest=rest: out + mean - rest)
        kl.append(divergence(run.run.logits, logits_of(model(name), run.ids.tolist(), [hook])))
    return torch.cat(kl).mean()


@pytest.mark.parametrize("name", [*CONFIGS, *VARIANTS])
def test_the_parts_of_the_heads_are_what_attention_adds_but_for_its_bias(name: str) -> None:
    for layer in (0, 2):
        bias = getattr(model(name).blocks[layer].attn.o.original_component, "bias", None)
        for run in runs_of(name, layer):
            [whole] = gathered_activations(model(name), [PromptTokens(tuple(run.ids.tolist()), ())], ["hook_attn_out"])
            expected = run.output.sum(0) + (0 if bias is None else bias.detach())
            assert_close(whole["hook_attn_out"][layer], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["cog", "gemma2", "llama"])
def test_the_suppression_part_is_the_sum_of_negative_components(name: str) -> None:
    W_U, run = weights(name).W_U, runs_of(name, 1)[0]
    found = suppression(run, W_U[:, run.ids])
    expected = by_hand(run, W_U, 1, 4)
    assert_close(found[1, 4], expected, atol=1e-5, rtol=1e-4)
    assert expected.norm() > 0


@pytest.mark.parametrize("name", ["cog", "polynomial", *GEMMAS])
def test_heads_that_share_a_pass_and_prompts_of_several_lengths_are_as_one_by_one(name: str) -> None:
    def of_sources(run: LayerHeads) -> Tensor:
        return torch.stack([by_hand(run, centred(name), 1, query) for query in range(len(run.ids))])

    found = explained(name)
    kl_mean, kl_kept = (one_by_one(name, 2, 1, kept) for kept in (lambda run: torch.zeros(()), of_sources))
    assert_close(found.kl_mean[2, 1], kl_mean, atol=1e-5, rtol=1e-3)
    assert_close(found.kl_kept[2, 1], kl_kept, atol=1e-5, rtol=1e-3)
    assert_close(found.explained[2, 1], 1 - kl_kept / kl_mean, atol=1e-3, rtol=1e-3)
    assert kl_mean > 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_mean_ablation_is_that_of_the_heads_mixed_values(variant: str) -> None:
    z = torch.cat(
        [gathered_activations(model(variant), [one], ["attn.hook_z"])[0]["attn.hook_z"][2, :, 1] for one in PROMPTS]
    )

    def ablate(value: Tensor, hook: object) -> Tensor:
        value[:, :, 1] = z.mean(0)
        return value

    hooks = [("blocks.2.attn.hook_z", ablate)]
    kl = [divergence(logits_of(model(variant), ids), logits_of(model(variant), ids, hooks)) for ids in IDS]
    assert_close(explained(variant).kl_mean[2, 1], torch.cat(kl).mean(), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_a_head_that_only_suppresses_is_explained_and_one_that_never_does_is_not(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_module, "suppression", lambda run, unembeddings: share * run.output)
    found = suppression_effect(model(), PROMPTS, samples=1).explained
    assert_close(found, torch.full((3, 2), share), atol=1e-3, rtol=0)


def test_the_flip_of_a_head_leaves_what_suppression_explains() -> None:
    plain: Any = tiny_model("cog")
    with torch.no_grad():
        for linear in (plain.model.layers[1].self_attn.q_proj, plain.model.layers[1].self_attn.v_proj):
            linear.weight[16:32] *= -1
    flipped = suppression_effect(hooked(plain), PROMPTS, samples=1)
    for name, value in explained().tensors().items():
        assert_close(flipped.tensors()[name], value, atol=1e-3, rtol=1e-3, msg=name)


def test_batches_change_nothing_and_are_watched() -> None:
    seen: list[tuple[int, int]] = []
    alone = suppression_effect(model(), PROMPTS, 1, 1, lambda done, total: seen.append((done, total)))
    for name, value in explained().tensors().items():
        assert_close(alone.tensors()[name], value, atol=1e-4, rtol=1e-3, msg=name)
    passes = 3 * len(IDS) * (2 + 1)
    assert seen == [(done, passes) for done in range(1, passes + 1)]


def test_every_ablation_runs_the_layers_from_its_own_on() -> None:
    """Beside them the untouched runs, two small ones, and each layer again; matrices were read before."""
    tokens, small = sum(map(len, IDS)), 3 * 4 * (1 + 3)
    weights()
    with counted_tokens(model()) as counts:
        suppression_effect(model(), PROMPTS, samples=1)
    assert sum(counts) == sum(2 * (2 + 1) * (layer + 1) * tokens for layer in range(3)) + 2 * 3 * tokens + small


def test_one_layer_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[LayerHeads]] = []

    def watched(*given: Any) -> list[LayerHeads]:
        assert all(one() is None for one in held)
        found = layer_heads(*given)
        held.extend(map(weakref.ref, found))
        return found

    monkeypatch.setattr(suppression_module, "layer_heads", watched)
    suppression_effect(model(), PROMPTS, samples=1)
    assert len(held) == 3 * len(IDS)


def test_the_null_deals_the_tokens_anew() -> None:
    found = explained()
    assert found.explained_null.shape == found.explained.shape
    assert not torch.allclose(found.explained_null, found.explained, atol=1e-4)


def test_what_is_added_to_all_logits_alike_changes_nothing() -> None:
    plain: Any = tiny_model("cog")
    with torch.no_grad():
        plain.lm_head.weight += torch.randn(32)
    shifted = suppression_effect(hooked(plain), PROMPTS, samples=1)
    assert_close(shifted.explained, explained().explained, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("prompts", [PROMPTS[:1], PROMPTS])
def test_prompts_of_one_token_have_nothing_to_explain(prompts: list[PromptTokens]) -> None:
    single = [PromptTokens(one.ids[:1], one.strings[:1]) for one in prompts]
    found = suppression_effect(model(), single, samples=1)
    for name in ("explained", "explained_null", "explained_null_spread"):
        assert found.tensors()[name].isnan().all()
    assert found.figure().data


def test_a_head_without_an_effect_has_nothing_to_explain() -> None:
    plain: Any = tiny_model("cog")
    with torch.no_grad():
        plain.model.layers[1].self_attn.o_proj.weight[:, 16:32] = 0
    found = suppression_effect(hooked(plain), PROMPTS, samples=1).explained
    assert found[1, 1].isnan() and found.isnan().sum() == 1


def test_no_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="no prompt; give one at least"):
        suppression_effect(model(), [])


def test_the_grid_shows_the_share_with_its_yardstick_beside_it() -> None:
    figure: Any = explained().figure()
    assert_close(torch.tensor(figure.data[0].z), explained().explained)
    assert_close(torch.tensor(figure.data[0].customdata[..., 1]), explained().kl_mean)

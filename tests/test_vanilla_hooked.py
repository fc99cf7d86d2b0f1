"""Vanilla transformers behind hooks: true, causal, under transformer-lens's names, with the matrices of their heads."""

from functools import cache
from typing import Any

import pytest
import torch
from hooked_cases import distance_of_roundings
from tiny_vanillas import ANSWERS, CAUSAL, D_HEAD, HEADS, SHAPES, VOCABULARY, WITH_ANSWERS, tiny_vanilla, vanilla_ids
from torch import Tensor

from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import HookedBridge, hooked
from headscope.models.hooked.patternless import patternless

every_shape = pytest.mark.parametrize("shape", SHAPES)
LAYER = "blocks.1.attn"
ALONE = tuple(shape for shape, parts in SHAPES.items() if parts.get("attention_only"))


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


class Case:
    """One shape: the plain model's logits, the same model hooked, and one cached run of a batch padded on the left."""

    def __init__(self, shape: str) -> None:
        model, ids = tiny_vanilla(shape, "cog"), vanilla_ids()
        mask = torch.ones_like(ids)
        mask[0, :3] = 0
        self.batch: dict[str, Any] = {"input": ids, "attention_mask": mask}
        with torch.no_grad():
            positions = (mask.cumsum(-1) - 1).clamp_min(0)
            self.plain = model(ids, attention_mask=mask, position_ids=positions).logits
            self.bridge: HookedBridge = hooked(model)
            self.bridge.set_use_attn_result(True)
            self.logits, self.cache = self.bridge.run_with_cache(**self.batch)

    @torch.no_grad()
    def edited(self, hook: str) -> Tensor:
        edits = [(hook, lambda value, hook: 2 * value.flip(-1))]
        return self.bridge.run_with_hooks(**self.batch, fwd_hooks=edits)


case = cache(Case)


@every_shape
def test_the_logits_are_those_of_the_plain_model(shape: str) -> None:
    close(case(shape).logits, case(shape).plain)


@torch.no_grad()
@every_shape
def test_left_padding_is_invisible(shape: str) -> None:
    close(case(shape).logits[:1, 3:], case(shape).bridge(case(shape).batch["input"][:1, 3:]))


@torch.no_grad()
@every_shape
@pytest.mark.parametrize("variant", ["softmax", "selective", "polynomial per row"])
def test_every_variant_is_hooked_exactly(shape: str, variant: str) -> None:
    model, ids = tiny_vanilla(shape, variant), vanilla_ids()
    plain = model(ids).logits
    bridge = hooked(model)
    close(bridge(ids), plain)
    with patternless():
        close(bridge(ids), plain)


@every_shape
def test_residuals_and_heads_add_up(shape: str) -> None:
    stored, layer = case(shape).cache, "blocks.1"
    written = stored[f"{layer}.hook_attn_out"]
    if shape in ALONE:
        assert not [name for name in stored if "mlp" in name or "resid_mid" in name or "ln2" in name]
    else:
        close(stored[f"{layer}.hook_resid_pre"] + written, stored[f"{layer}.hook_resid_mid"])
        written = written + stored[f"{layer}.hook_mlp_out"]
    close(stored[f"{layer}.hook_resid_pre"] + written, stored[f"{layer}.hook_resid_post"])
    mixed = torch.einsum("bhqk,bkhd->bqhd", stored[f"{LAYER}.hook_pattern"], stored[f"{LAYER}.hook_v"])
    close(stored[f"{LAYER}.hook_z"], mixed)
    bias = case(shape).bridge.blocks[1].attn.b_O
    close(stored[f"{LAYER}.hook_result"].sum(2) + (0 if bias is None else bias), stored[f"{layer}.hook_attn_out"])


@every_shape
def test_hooks_have_the_shapes_of_transformer_lens(shape: str) -> None:
    stored = case(shape).cache
    shapes = {name: tuple(stored[f"{LAYER}.{name}"].shape) for name in ("hook_q", "hook_pattern", "hook_result")}
    assert shapes == {
        "hook_q": (2, 9, HEADS, D_HEAD),
        "hook_pattern": (2, HEADS, 9, 9),
        "hook_result": (2, 9, HEADS, 24),
    }
    bridge = case(shape).bridge
    sizes = (bridge.cfg.d_vocab, bridge.cfg.d_vocab_out, bridge.cfg.d_head)
    assert sizes == (VOCABULARY, ANSWERS if shape in WITH_ANSWERS else VOCABULARY, D_HEAD)


@every_shape
def test_every_edit_moves_the_logits(shape: str) -> None:
    told = case(shape)
    names = [f"{LAYER}.{name}" for name in ("hook_q", "hook_k", "hook_v", "hook_attn_scores", "hook_pattern", "hook_z")]
    names += ["blocks.1.hook_resid_pre", "blocks.1.hook_resid_post", "blocks.1.ln1.hook_scale", "ln_final.hook_scale"]
    names += ["blocks.1.ln1.hook_normalized"] + ([] if shape in ALONE else ["blocks.1.mlp.hook_post"])
    assert [name for name in names if (told.edited(name) - told.logits).abs().max() < 1e-3] == []


@every_shape
def test_the_matrices_of_heads_keep_their_laws(shape: str) -> None:
    weights = head_weights(tiny := case(shape).bridge)
    assert weights.misread == {} and weights.W_U.shape == (24, tiny.cfg.d_vocab_out)
    if SHAPES[shape].get("norm") == "none":  # nothing is folded in
        close(weights.W_Q, tiny.W_Q)


@torch.no_grad()
@every_shape
def test_half_precision_is_what_the_plain_model_says(shape: str) -> None:
    model, ids = tiny_vanilla(shape, "cog"), vanilla_ids()
    exact = model(ids).logits
    plain = model.bfloat16()(ids).logits
    logits, stored = hooked(model).run_with_cache(ids)
    assert stored[f"{LAYER}.hook_attn_scores"].dtype == torch.float32 and logits.dtype == torch.bfloat16
    assert distance_of_roundings(logits, plain, exact) <= 2**0.5


@torch.no_grad()
@pytest.mark.parametrize("shape", [shape for shape in CAUSAL if shape not in WITH_ANSWERS])
def test_generation_is_that_of_the_plain_model(shape: str) -> None:
    model, ids = tiny_vanilla(shape, "cog"), vanilla_ids(1)
    plain = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=4, do_sample=False, pad_token_id=0)
    made = hooked(model).generate(
        ids, max_new_tokens=4, do_sample=False, verbose=False, return_type="tokens", stop_at_eos=False
    )
    assert torch.equal(made, plain)


@pytest.mark.parametrize("shape", ["encoder", "grokking"])
def test_what_continues_no_text_has_no_next_token_loss(shape: str) -> None:
    bridge = hooked(tiny_vanilla(shape))
    with pytest.raises(NotImplementedError, match="shifted causal"):
        bridge(vanilla_ids(), return_type="loss")
    with pytest.raises(Exception, match="generat"):
        bridge.generate(vanilla_ids(), max_new_tokens=2, verbose=False)


@torch.no_grad()
@every_shape
def test_compatibility_mode_keeps_what_the_model_says(shape: str) -> None:
    bridge, ids = hooked(tiny_vanilla(shape, "cog")), vanilla_ids()
    before = bridge(ids).log_softmax(-1)
    bridge.enable_compatibility_mode(disable_warnings=True)
    torch.testing.assert_close(bridge(ids).log_softmax(-1), before, atol=2e-4, rtol=0)


def test_positions_and_tokens_that_there_are_not_are_refused() -> None:
    bridge = hooked(tiny_vanilla("every part"))
    with pytest.raises(ValueError, match="position 39 is outside the context; this model learned positions 0 to 31"):
        bridge(vanilla_ids(1, 40))
    with pytest.raises(ValueError, match="token id 50 is outside the vocabulary"):
        bridge(torch.tensor([[1, 50]]))

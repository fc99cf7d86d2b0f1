"""The weights of hooked models: circuits, the way back to transformers, and lawful processing."""

import copy

import pytest
import torch
from hooked_cases import (
    D_HEAD,
    D_MODEL,
    FUSED,
    N_HEADS,
    N_LAYERS,
    case,
    close,
    kv_heads,
    padded_batch,
    per_query_head,
)
from tiny_decoders import EVERY, PAIRS, SPECS, attached, random_ids, tiny_decoder
from transformer_lens import FactoredMatrix
from transformer_lens.model_bridge import TransformerBridge

from headscope import attach
from headscope.models.hooked import hf_state_dict, hooked

every_family = pytest.mark.parametrize("family", EVERY)
every_pair = pytest.mark.parametrize(("family", "name"), PAIRS)
every_spec = pytest.mark.parametrize("name", SPECS)


@every_family
def test_weights_have_the_shapes_of_transformer_lens(family: str) -> None:
    bridge = case(family, "cog").bridge
    kv = kv_heads(family)
    assert tuple(bridge.W_Q.shape) == (N_LAYERS, N_HEADS, D_MODEL, D_HEAD)
    assert tuple(bridge.W_K.shape) == tuple(bridge.W_V.shape) == (N_LAYERS, kv, D_MODEL, D_HEAD)
    assert tuple(bridge.W_O.shape) == (N_LAYERS, N_HEADS, D_HEAD, D_MODEL)


@every_family
def test_the_qk_and_ov_circuits_are_those_of_each_query_head(family: str) -> None:
    bridge = case(family, "cog").bridge  # grouped keys and values serve n_heads / n_key_value_heads query heads each
    keys, values = (per_query_head(w.transpose(1, 2)).transpose(1, 2) for w in (bridge.W_K, bridge.W_V))
    assert isinstance(bridge.QK, FactoredMatrix)
    torch.testing.assert_close(bridge.QK.AB, bridge.W_Q @ keys.mT)
    torch.testing.assert_close(bridge.OV.AB, values @ bridge.W_O)


@every_pair
def test_the_weights_come_back_as_they_were(family: str, name: str) -> None:
    plain = attached(family, name)
    returned = hf_state_dict(hooked(copy.deepcopy(plain)))
    before = plain.state_dict()
    assert list(returned) == list(before)
    assert all(torch.equal(returned[key], before[key]) for key in before)


@every_family
def test_an_edit_of_the_hooked_weights_is_in_the_state_dict(family: str) -> None:
    bridge = hooked(attached(family, "cog"))
    with torch.no_grad():
        for attention in (block.attn for block in bridge.blocks):
            for part in (attention.q, attention.k, attention.v, attention.o):
                part.original_component.weight.mul_(-0.7)
    fresh = attach(tiny_decoder(family, seed=5), SPECS["cog"])
    fresh.load_state_dict(hf_state_dict(bridge))
    ids = random_ids()
    close(fresh(ids).logits, bridge(ids))


@pytest.mark.parametrize(("family", "name"), [pair for pair in PAIRS if pair[1] in ("selective", "polynomial learned")])
def test_the_state_dict_of_transformer_lens_carries_what_the_variant_learned(family: str, name: str) -> None:
    taught, fresh = hooked(attached(family, name)), hooked(attach(tiny_decoder(family, seed=5), SPECS[name]))
    fresh.load_state_dict(taught.state_dict())
    ids = random_ids()
    close(fresh(ids), taught(ids), atol=0)


@every_pair
def test_compatibility_mode_keeps_what_the_model_says(family: str, name: str) -> None:
    bridge, batch = hooked(attached(family, name)), padded_batch()
    real = batch["attention_mask"].bool()
    before = bridge(**batch).log_softmax(-1)[real]
    bridge.enable_compatibility_mode(disable_warnings=True)
    close(bridge(**batch).log_softmax(-1)[real], before, atol=2e-4)


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("name", ["cog", "cogformer", "selective", "polynomial"])
def test_folding_value_biases_would_change_what_these_kernels_say(family: str, name: str) -> None:
    bridge, ids = hooked(attached(family, name)), random_ids()
    before = bridge(ids).log_softmax(-1)
    TransformerBridge.process_weights(bridge, fold_value_biases=True)
    assert (bridge(ids).log_softmax(-1) - before).abs().max() > 1e-2


@pytest.mark.parametrize("family", FUSED)
@pytest.mark.parametrize("name", ["softmax", "expressive"])
def test_value_biases_are_folded_where_rows_sum_to_one(family: str, name: str) -> None:
    bridge, ids = hooked(attached(family, name)), random_ids()
    before = bridge(ids).log_softmax(-1)
    bridge.enable_compatibility_mode(disable_warnings=True)
    assert bridge.b_V.abs().max() == 0
    close(bridge(ids).log_softmax(-1), before, atol=2e-4)


@pytest.mark.parametrize("name", ["cog", "selective", "polynomial"])
@pytest.mark.parametrize("step", ["fold_value_biases", "refactor_factored_attn_matrices"])
def test_processing_that_would_change_the_model_is_refused_by_name(name: str, step: str) -> None:
    bridge = hooked(attached("gpt2", name))
    with pytest.raises(ValueError, match=f"{step}.*{name}"):
        bridge.enable_compatibility_mode(**{step: True})


def test_processed_weights_are_not_given_back_as_the_models() -> None:
    bridge = hooked(attached("llama", "cog"))
    bridge.enable_compatibility_mode(disable_warnings=True)
    with pytest.raises(ValueError, match="processed"):
        hf_state_dict(bridge)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("name", ["cog", "selective"])
def test_gradients_reach_every_parameter(family: str, name: str) -> None:
    bridge, ids = hooked(attached(family, name)), random_ids()
    bridge(ids, return_type="loss").backward()
    reached = {key for key, p in bridge.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
    assert any({"q", "q_proj"} & set(key.split(".")) for key in reached)
    assert all(key in reached for key, _ in bridge.named_parameters() if ".variant." in key)

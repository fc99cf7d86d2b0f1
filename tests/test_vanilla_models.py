"""Vanilla transformers of every choice of parts: against transformer-lens's own, plain, padded, cached, saved."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_vanillas import (
    ANSWERS,
    CAUSAL,
    D_HEAD,
    HEADS,
    LAYERS,
    SHAPES,
    VOCABULARY,
    WITH_ANSWERS,
    bare_vanilla,
    tiny_vanilla,
    vanilla_ids,
)
from torch import Tensor
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint

from headscope import load, save
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.hosts.untrained import untrained_config
from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.vanilla import VanillaTransformer

every_shape = pytest.mark.parametrize("shape", SHAPES)
causal_shapes = pytest.mark.parametrize("shape", CAUSAL)
WORDS = {"layer_norm": "LN", "rms_norm": "RMS", "none": None}
# What a HookedTransformer has no word for.
UNKNOWN_THERE = ("last norm of its own", "no last norm", "norms without bias")


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


# Against transformer-lens's own


def theirs(model: VanillaTransformer) -> TransformerBridge:
    """What transformer-lens makes of the same weights as a HookedTransformer's state dict has them."""
    config = model.config
    scale = D_HEAD**-0.5 if config.attention_scale is None else config.attention_scale
    word = WORDS[config.norm]
    cfg = TransformerBridgeConfig(
        n_layers=LAYERS,
        d_model=config.hidden_size,
        n_ctx=config.max_position_embeddings,
        d_head=D_HEAD,
        n_heads=HEADS,
        d_mlp=config.intermediate_size,
        act_fn=config.hidden_act,
        attn_only=config.attention_only,
        attention_dir="causal" if config.is_causal else "bidirectional",
        normalization_type=word if word is None or config.norm_gain else f"{word}Pre",
        positional_embedding_type="rotary" if config.position_embedding == "rotary" else "standard",
        attn_scale=1 / scale,
        eps=config.norm_eps,
        d_vocab=VOCABULARY,
        d_vocab_out=config.output_vocab_size,
    )
    other = TransformerBridge.boot_native(cfg, device="cpu")
    missing = other.load_state_dict(convert_tl_checkpoint(their_weights(model), cfg), strict=False)
    assert missing.unexpected_keys == []
    return other.eval()


def their_weights(model: VanillaTransformer) -> dict[str, Tensor]:
    """The weights under the names of a HookedTransformer, heads apart; it has every bias."""
    own = model.state_dict()
    rotary = model.config.position_embedding == "rotary"
    result = {
        "embed.W_E": own["model.embed_tokens.weight"],
        "unembed.W_U": own["lm_head.weight"].T,
        "unembed.b_U": own.get("lm_head.bias", torch.zeros(len(own["lm_head.weight"]))),
        **norm_weights(own, "ln_final", "model.norm"),
    }
    if not rotary:
        result["pos_embed.W_pos"] = own.get("model.embed_positions.weight", torch.zeros(32, 24))
    for number in range(LAYERS):
        here, there = f"model.layers.{number}", f"blocks.{number}"
        for letter in "qkv":
            weight, bias = matrix(own, f"{here}.self_attn.{letter}_proj")
            heads, biases = (part.unflatten(0, (HEADS, D_HEAD)) for part in (weight, bias))
            if rotary and letter in "qk":  # theirs turns neighbours together
                heads, biases = (part.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2) for part in (heads, biases))
            result[f"{there}.attn.W_{letter.upper()}"] = heads.transpose(1, 2)
            result[f"{there}.attn.b_{letter.upper()}"] = biases
        weight, result[f"{there}.attn.b_O"] = matrix(own, f"{here}.self_attn.o_proj")
        result[f"{there}.attn.W_O"] = weight.T.unflatten(0, (HEADS, D_HEAD))
        result |= norm_weights(own, f"{there}.ln1", f"{here}.input_layernorm")
        result |= norm_weights(own, f"{there}.ln2", f"{here}.post_attention_layernorm")
        if not model.config.attention_only:
            for part, name in (("in", "up_proj"), ("out", "down_proj")):
                weight, result[f"{there}.mlp.b_{part}"] = matrix(own, f"{here}.mlp.{name}")
                result[f"{there}.mlp.W_{part}"] = weight.T
    return result


def matrix(own: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    """Weight and bias, which is zero where there is none."""
    weight = own[f"{name}.weight"]
    return weight, own.get(f"{name}.bias", torch.zeros(len(weight)))


def norm_weights(own: dict[str, Tensor], there: str, here: str) -> dict[str, Tensor]:
    """Gain and bias of a norm that has them."""
    parts = {f"{there}.w": own.get(f"{here}.weight"), f"{there}.b": own.get(f"{here}.bias")}
    return {name: part for name, part in parts.items() if part is not None}


@torch.no_grad()
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in UNKNOWN_THERE])
def test_the_logits_are_those_of_transformer_lens_with_the_same_weights(shape: str) -> None:
    model, ids = bare_vanilla(shape), vanilla_ids()
    close(model(ids).logits, theirs(model)(ids))


# As transformers runs it


@torch.no_grad()
@every_shape
def test_attached_softmax_is_the_model_itself(shape: str) -> None:
    close(tiny_vanilla(shape)(vanilla_ids()).logits, bare_vanilla(shape)(vanilla_ids()).logits)


@torch.no_grad()
@every_shape
def test_the_future_is_visible_to_encoders_alone(shape: str) -> None:
    model, ids = tiny_vanilla(shape, "cog"), vanilla_ids()
    other = ids.clone()
    other[:, -1] = (other[:, -1] + 1) % VOCABULARY
    before, after = (model(each).logits[:, :-1] for each in (ids, other))
    assert torch.equal(before, after) == (shape in CAUSAL)


@torch.no_grad()
@every_shape
@pytest.mark.parametrize("variant", ["softmax", "selective"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_invisible(shape: str, variant: str, side: str) -> None:
    model, ids = tiny_vanilla(shape, variant), vanilla_ids()
    order = 1 if side == "left" else -1
    mask = torch.cat([torch.zeros_like(ids[:, :4]), torch.ones_like(ids)][::order], 1)
    positions = (mask.cumsum(-1) - 1).clamp_min(0)
    padded = model(torch.cat([ids[:, :4], ids][::order], 1), attention_mask=mask, position_ids=positions).logits
    close(padded[mask.bool()], model(ids).logits.flatten(0, 1))


@torch.no_grad()
@causal_shapes
@pytest.mark.parametrize("variant", ["softmax", "selective"])
def test_a_cache_gives_the_logits_of_the_full_forward(shape: str, variant: str) -> None:
    model, ids = tiny_vanilla(shape, variant), vanilla_ids()
    first = model(ids[:, :6], use_cache=True)
    steps = [first.logits]
    for place in range(6, ids.shape[1]):
        steps.append(model(ids[:, place : place + 1], past_key_values=first.past_key_values, use_cache=True).logits)
    close(torch.cat(steps, 1), model(ids).logits)


def test_an_encoder_keeps_no_cache_and_refuses_that_of_another() -> None:
    ids, decoder, encoder = vanilla_ids(), tiny_vanilla("every part"), tiny_vanilla("encoder")
    assert encoder(ids, use_cache=True).past_key_values is None
    with pytest.raises(ValueError, match="bidirectional, so that no cache of earlier tokens stays true"):
        encoder(ids, past_key_values=decoder(ids, use_cache=True).past_key_values)


@pytest.mark.parametrize("shape", [shape for shape in CAUSAL if shape not in WITH_ANSWERS])
def test_generation_is_the_likeliest_token_again_and_again(shape: str) -> None:
    model, ids = tiny_vanilla(shape, "cog"), vanilla_ids()
    mask = torch.ones_like(ids)
    made = model.generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False, pad_token_id=0)
    left = torch.cat([torch.zeros_like(mask[:, :3]), mask], 1)
    padded = torch.cat([ids[:, :3], ids], 1)
    also = model.generate(padded, attention_mask=left, max_new_tokens=4, do_sample=False, pad_token_id=0)
    assert torch.equal(made[:, 9:], model(made).logits[:, 8:-1].argmax(-1)) and torch.equal(also[:, 12:], made[:, 9:])


@pytest.mark.parametrize(
    ("shape", "words"), [("encoder", "is bidirectional"), ("grokking", "answers that are no tokens")]
)
def test_what_continues_no_text_does_not_generate(shape: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tiny_vanilla(shape).generate(vanilla_ids(), max_new_tokens=2)


@every_shape
def test_a_loss_is_of_the_next_token_or_of_the_labels_own_places(shape: str) -> None:
    model, ids = tiny_vanilla(shape), vanilla_ids() % ANSWERS
    logits, own = model(ids).logits, shape in WITH_ANSWERS or shape not in CAUSAL
    expected = torch.nn.functional.cross_entropy(
        (logits if own else logits[:, :-1]).flatten(0, 1), (ids if own else ids[:, 1:]).flatten()
    )
    close(model(ids, labels=ids).loss, expected)


@every_shape
def test_gradients_reach_every_parameter(shape: str) -> None:
    model = tiny_vanilla(shape, "selective").train()
    model(vanilla_ids()).logits.square().mean().backward()
    assert [name for name, one in model.named_parameters() if one.grad is None] == []


@torch.no_grad()
@every_shape
def test_half_precision_stays_near(shape: str) -> None:
    model, ids = tiny_vanilla(shape, "cog"), vanilla_ids()
    exact = model(ids).logits
    half = model.bfloat16()(ids).logits
    assert half.dtype == torch.bfloat16 and (half - exact).norm() < 0.1 * exact.norm()


@torch.no_grad()
@every_shape
def test_embeddings_in_the_place_of_ids(shape: str) -> None:
    model, ids = tiny_vanilla(shape), vanilla_ids()
    close(model(inputs_embeds=model.model.embed_tokens(ids)).logits, model(ids).logits)
    with pytest.raises(ValueError, match="reads input_ids or inputs_embeds, one of them"):
        model(ids, inputs_embeds=model.model.embed_tokens(ids))


# What its config may say


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"num_key_value_heads": 2}, "3 heads do not share 2 keys and values evenly"),
        ({"tie_word_embeddings": True, "output_vocab_size": 7}, "tied embeddings have one vocabulary"),
        ({"norm": "batch_norm"}, "batch_norm"),
        ({"position_embedding": "sinusoidal"}, "sinusoidal"),
        ({"d_mlp": 3}, "unknown vanilla_transformer field 'd_mlp'"),
        ({"hidden_act": "solu"}, "solu"),
    ],
)
def test_parts_that_there_are_not_are_refused(fields: dict[str, Any], words: str) -> None:
    recipe = {"model_type": "vanilla_transformer", "num_attention_heads": 3, "hidden_size": 24, **fields}
    with pytest.raises(ValueError, match=words):
        untrained_config(recipe, {"vocab_size": 9})


def test_heads_are_as_wide_as_the_residual_allows_unless_said() -> None:
    config = VanillaConfig(hidden_size=24, num_attention_heads=3)
    assert (config.head_dim, config.num_key_value_heads, config.intermediate_size) == (8, 3, 96)
    assert (config.output_vocab_size, config.final_norm) == (config.vocab_size, "layer_norm")


# Saved


@torch.no_grad()
@every_shape
@pytest.mark.parametrize("variant", ["softmax", "selective"])
def test_what_is_saved_opens_bit_for_bit(shape: str, variant: str, tmp_path: Path) -> None:
    model = tiny_vanilla(shape, variant)
    opened = open_folder(save(model, tmp_path / "model"))
    before, after = model.state_dict(), opened.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(opened.model(vanilla_ids()).logits, model(vanilla_ids()).logits)
    again = save(load(tmp_path / "model"), tmp_path / "again")
    assert {each.name: each.read_bytes() for each in again.iterdir()} == {
        each.name: each.read_bytes() for each in (tmp_path / "model").iterdir()
    }


def test_a_config_of_other_parts_is_refused(tmp_path: Path) -> None:
    folder = save(tiny_vanilla("attention alone"), tmp_path / "model")
    config = (folder / "config.json").read_text()
    assert '"attention_only": true' in config
    (folder / "config.json").write_text(config.replace('"attention_only": true', '"attention_only": false'))
    with pytest.raises(CheckpointError, match="missing tensor"):
        open_folder(folder)

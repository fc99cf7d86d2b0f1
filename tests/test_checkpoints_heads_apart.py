"""State dicts whose heads stand apart, of transformer-lens and of the grokking experiments: the same function."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_models import State, causal
from test_checkpoints_converters import CLOSE, refused, stored
from test_vanilla_models import their_weights
from tiny_vanillas import SHAPES, bare_vanilla, vanilla_ids
from torch import Tensor

from headscope import hooked
from headscope.models.checkpoints import open_model

NOT_THERE = (
    "rotary",
    "last norm of its own",
    "norms without bias",
)  # transformer-lens's own turns pairs; has no such norms
ACTIVATION = {"activation": "gelu_new"}
DIRECTION = {"direction": "causal"}
FOLDED = {"norm": "LNPre", "final_norm": "LNPre"}
ANSWERS: dict[str, dict[str, Any]] = {
    "attention alone": DIRECTION,
    "folded norms": {**ACTIVATION, **DIRECTION, **FOLDED},
    "folded rms": {**ACTIVATION, **DIRECTION, "norm": "RMSPre", "final_norm": "RMSPre"},
    "no last norm": {**ACTIVATION, **DIRECTION, "final_norm": "none"},
    "a scale of its own": {**ACTIVATION, **DIRECTION, "scale": 0.5},
    "grokking": {"activation": "relu", **DIRECTION, "norm": "none", "final_norm": "none"},
    "answers alone": {**DIRECTION, "norm": "none", "final_norm": "none"},
    "encoder": {**ACTIVATION, "direction": "bidirectional"},
    "encoder of answers": {**ACTIVATION, "direction": "bidirectional"},
}


@torch.no_grad()
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in NOT_THERE])
def test_a_state_dict_of_transformer_lens_is_the_same_model(shape: str, tmp_path: Path) -> None:
    model, ids = bare_vanilla(shape), vanilla_ids()
    given = ANSWERS.get(shape, {**ACTIVATION, **DIRECTION})
    opened = open_model(stored(their_weights(model), tmp_path), given=given)
    torch.testing.assert_close(opened.model(ids).logits, model(ids).logits, **CLOSE)


def test_its_config_answers_what_its_tensors_do_not(tmp_path: Path) -> None:
    model, ids = bare_vanilla("folded norms"), vanilla_ids()
    config = {"act_fn": "gelu_new", "attention_dir": "causal", "normalization_type": "LNPre", "eps": 1e-5}
    opened = open_model(stored({"model": their_weights(model), "config": config}, tmp_path))
    with torch.no_grad():
        torch.testing.assert_close(hooked(opened.model)(ids), model(ids).logits, **CLOSE)


def test_a_mask_says_what_a_token_sees(tmp_path: Path) -> None:
    state = their_weights(bare_vanilla("every part")) | {"blocks.0.attn.mask": torch.ones(32, 32, dtype=torch.bool)}
    opened = open_model(stored(state, tmp_path), given=ACTIVATION)
    assert not opened.model.config.is_causal
    refused(stored(state, tmp_path), "direction=causal was given, and the checkpoint says bidirectional", **DIRECTION)


def test_what_was_folded_away_is_asked_for(tmp_path: Path) -> None:
    state = their_weights(bare_vanilla("folded norms"))
    refused(
        stored(state, tmp_path), r"does not say activation .*, direction .*, norm \(before every block; Pre are those"
    )


def test_rotary_positions_of_transformer_lens_are_refused(tmp_path: Path) -> None:
    state = their_weights(bare_vanilla("rotary"))
    table = {"positional_embedding_type": "rotary"}
    given = {**ACTIVATION, **DIRECTION}
    refused(
        stored({"model": state, "config": table}, tmp_path),
        "positions .* is one of learned, none; got 'rotary'",
        **given,
    )


# The grokking experiments

N_TOKENS, N_ANSWERS, D_MODEL, D_HEAD, D_MLP = 12, 11, 16, 5, 24


def grokking_state() -> State:
    """One layer without norms and biases of its attention; embeddings have a column a token."""
    torch.manual_seed(0)
    shapes = {
        "embed.W_E": (D_MODEL, N_TOKENS),
        "pos_embed.W_pos": (3, D_MODEL),
        "unembed.W_U": (D_MODEL, N_ANSWERS),
        "blocks.0.attn.W_Q": (3, D_HEAD, D_MODEL),
        "blocks.0.attn.W_K": (3, D_HEAD, D_MODEL),
        "blocks.0.attn.W_V": (3, D_HEAD, D_MODEL),
        "blocks.0.attn.W_O": (D_MODEL, 3 * D_HEAD),
        "blocks.0.mlp.W_in": (D_MLP, D_MODEL),
        "blocks.0.mlp.b_in": (D_MLP,),
        "blocks.0.mlp.W_out": (D_MODEL, D_MLP),
        "blocks.0.mlp.b_out": (D_MODEL,),
    }
    state = {name: torch.randn(shape) * 0.4 for name, shape in shapes.items()}
    return state | {"blocks.0.attn.mask": causal(3).float()}


def grokking_logits(state: State, ids: Tensor) -> Tensor:
    x = state["embed.W_E"].T[ids] + state["pos_embed.W_pos"][: ids.shape[1]]
    part = {name.rpartition(".")[2]: tensor for name, tensor in state.items()}
    q, k, v = (torch.einsum("hdm,bpm->bhpd", part[f"W_{name}"], x) for name in "QKV")
    scores = (q @ k.transpose(-1, -2) / math.sqrt(D_HEAD)).masked_fill(~causal(ids.shape[1]), -math.inf)
    z = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
    x = x + z @ part["W_O"].T
    x = x + torch.relu(x @ part["W_in"].T + part["b_in"]) @ part["W_out"].T + part["b_out"]
    return x @ part["W_U"]


def test_an_old_grokking_checkpoint_is_the_same_model(tmp_path: Path) -> None:
    state, ids = grokking_state(), torch.tensor([[3, 7, 11], [0, 5, 11]])
    opened = open_model(stored({"model": state, "epoch": 3}, tmp_path), given={"activation": "relu"})
    with torch.no_grad():
        torch.testing.assert_close(opened.model(ids).logits, grokking_logits(state, ids), **CLOSE)
    assert opened.opened_as.startswith("opened as a checkpoint of the grokking experiments before transformer-lens")

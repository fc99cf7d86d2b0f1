"""litgpt, U-ViT and x-transformers: each opens as the same function, or is refused by what no model here computes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from foreign_models import (
    CONTEXT,
    HEADS,
    IDS,
    LIT_CONFIG,
    LIT_LLAMA,
    LIT_NEOX,
    State,
    cog_state,
    lit_logits,
    lit_state,
    nanogpt_state,
    uvit_noise,
    uvit_state,
    xt_logits,
    xt_state,
)
from test_checkpoints_converters import CLOSE, opened_logits, refused, stored
from test_checkpoints_heads_apart import grokking_state
from test_vanilla_models import their_weights
from tiny_vanillas import bare_vanilla
from torch.nn.functional import silu

from headscope import hooked
from headscope.models.checkpoints import CheckpointError, open_model
from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.converters.table import CONVERTERS

SHAPES = {"llama": LIT_LLAMA, "neox": LIT_NEOX}

# litgpt


@pytest.mark.parametrize("tempered", [True, False])
@pytest.mark.parametrize("fused", ["attn", "qkv"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_litgpt_computes_what_its_own_code_computes(
    shape: str, bias: bool, fused: str, tempered: bool, tmp_path: Path
) -> None:
    state = lit_state(shape, fused, bias, tempered)
    file = stored({"model": state, "hparams": SHAPES[shape]}, tmp_path)
    torch.testing.assert_close(opened_logits(file), lit_logits(state, IDS, shape), **CLOSE)
    assert open_model(file).spec.variant == ("selective" if tempered else "softmax")


@pytest.mark.parametrize(
    ("name", "written"), {"lit_config.json": json.dumps, "model_config.yaml": yaml.safe_dump}.items()
)
def test_the_config_that_litgpt_writes_beside_its_weights_is_read(name: str, written: Any, tmp_path: Path) -> None:
    stored(lit_state("llama"), tmp_path, "lit_model.pth")
    (tmp_path / name).write_text(written({**LIT_LLAMA, "name": "tiny"}))
    opened = open_model(tmp_path)
    assert opened.opened_as == "opened as a litgpt checkpoint of Llama's shape"
    assert opened.model.config.max_position_embeddings == CONTEXT


def test_the_inner_norms_of_selective_attention_s_experiments_are_known(tmp_path: Path) -> None:
    state = lit_state("neox", tempered=True)
    names = {name: name.replace("norm_1.", "norm_1.norm.").replace("norm_2.", "norm_2.norm.") for name in state}
    names |= {name: name.replace("ln_f.", "ln_f.norm.") for name in state if "ln_f" in name}
    file = stored({"model": {names[name]: tensor for name, tensor in state.items()}, "hparams": LIT_NEOX}, tmp_path)
    torch.testing.assert_close(opened_logits(file), lit_logits(state, IDS, "neox"), **CLOSE)


def test_what_litgpt_does_not_say_is_assumed_aloud(tmp_path: Path) -> None:
    words = open_model(stored(lit_state("neox"), tmp_path), given={"n_heads": HEADS}).opened_as
    assert words.startswith("opened as a litgpt checkpoint of GPT-NeoX's shape; assumed context=2048 (tokens that it")
    assert "rotary_share=0.25 (share of a head that is rotated)" in words


@pytest.mark.parametrize(
    ("setting", "sentence"),
    {
        "experts": ({"n_expert": 4}, "its config says n_expert=4, which no model here computes"),
        "windows": ({"sliding_window_size": 8}, "sliding_window_size=8"),
        "heads": ({"n_head": 5}, "n_heads=5 does not divide 32"),
        "other norms": ({"norm_class_name": "LayerNorm"}, "norm_class_name='LayerNorm'"),
    }.values(),
)
def test_what_no_model_here_computes_is_refused_by_its_setting(
    setting: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    refused(stored({"model": lit_state("llama"), "hparams": {**LIT_LLAMA, **setting}}, tmp_path), sentence)


def test_grouped_keys_of_neox_s_shape_are_refused(tmp_path: Path) -> None:
    state = {name: tensor[:64] if ".attn.attn." in name else tensor for name, tensor in lit_state("neox").items()}
    refused(stored({"model": state, "hparams": LIT_CONFIG}, tmp_path), "2 heads of keys and values for n_heads=4")


# U-ViT


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("attention", ["softmax", "cog"])
def test_a_u_vit_predicts_the_noise_that_its_own_code_predicts(attention: str, smooth: bool, tmp_path: Path) -> None:
    state = uvit_state(smooth)
    opened = open_model(stored(state, tmp_path), given={"n_heads": HEADS, "attention": attention})
    images, time, label = torch.randn(2, 3, 8, 8), torch.tensor([7, 900]), torch.tensor([1, 4])
    with torch.no_grad():
        noise = opened.model(pixel_values=images, timestep=time, label=label).noise
    torch.testing.assert_close(noise, uvit_noise(state, images, time, label, attention), **CLOSE)


def test_the_attention_of_a_u_vit_is_asked_for(tmp_path: Path) -> None:
    refused(stored(uvit_state(), tmp_path), r"does not say n_heads .*, attention \(cog is that of U-ViC")


@pytest.mark.parametrize(
    ("change", "sentence"),
    {
        "texts": ({"context_embed.weight": torch.ones(32, 8)}, "a U-ViT that reads texts"),
        "time": ({"time_embed.0.weight": torch.ones(32, 8)}, "puts the time through an MLP"),
        "no classes": ({"label_emb.weight": None}, "a U-ViT without classes"),
        "no skips": ({"out_blocks.0.skip_linear.weight": None}, "a U-ViT without long skips"),
    }.values(),
)
def test_other_u_vits_are_refused_by_what_they_have(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    state = {name: tensor for name, tensor in {**uvit_state(), **change}.items() if tensor is not None}
    refused(stored(state, tmp_path), sentence, n_heads=HEADS, attention="softmax")


# x-transformers


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("rotary", "rms_norm", "gated"), [(0, 0, 0), (1, 0, 0), (1, 1, 1), (1, 1, 0)])
def test_x_transformers_computes_what_the_library_computes(
    rotary: int, rms_norm: int, gated: int, tied: bool, tmp_path: Path
) -> None:
    state = xt_state(bool(rotary), bool(rms_norm), bool(gated), tied)
    given = {"n_heads": HEADS, **({"activation": "silu"} if gated else {})}
    logits = opened_logits(stored({f"net.{name}": t for name, t in state.items()}, tmp_path), **given)
    torch.testing.assert_close(logits, xt_logits(state, IDS, silu if gated else torch.nn.functional.gelu), **CLOSE)


@pytest.mark.parametrize("rms_norm", [True, False])
def test_gains_that_are_stored_as_differences_from_one_are_known_by_their_mean(rms_norm: bool, tmp_path: Path) -> None:
    state = xt_state(rotary=True, rms_norm=rms_norm, gated=False)
    state = {name: tensor - float(name.endswith((".g", ".gamma"))) for name, tensor in state.items()}
    file = stored(state, tmp_path)
    torch.testing.assert_close(opened_logits(file, n_heads=HEADS), xt_logits(state, IDS, offset=1), **CLOSE)
    assert "unit_offset=True (whether gains" in open_model(file, given={"n_heads": HEADS}).opened_as
    other = opened_logits(file, n_heads=HEADS, unit_offset=False)
    torch.testing.assert_close(other, xt_logits(state, IDS, offset=0), **CLOSE)


def test_heads_that_are_rotated_in_part_are_the_same_behind_hooks(tmp_path: Path) -> None:
    state = xt_state(rotary=True, rms_norm=True, gated=True)
    opened = open_model(stored(state, tmp_path), given={"n_heads": HEADS, "activation": "silu"})
    with torch.no_grad():
        torch.testing.assert_close(hooked(opened.model)(IDS), xt_logits(state, IDS, silu), **CLOSE)


def test_flags_that_leave_no_trace_are_said(tmp_path: Path) -> None:
    words = open_model(stored(xt_state(False, False, False), tmp_path), given={"n_heads": HEADS}).opened_as
    assert "neither ALiBi nor qk_norm leaves a trace in tensors" in words


@pytest.mark.parametrize(
    ("state", "sentence"),
    {
        "no host": (
            xt_state(False, True, True),
            "a gated MLP, which a model here has with rotary positions and RMS norms",
        ),
        "memories": ({**xt_state(True, True, False), "memory_tokens": torch.ones(4, 32)}, "'memory_tokens' that such"),
    }.values(),
)
def test_decoders_without_a_host_are_refused(state: State, sentence: str, tmp_path: Path) -> None:
    refused(stored(state, tmp_path), sentence, n_heads=HEADS, activation="gelu")


def test_heads_of_any_size_are_opened(tmp_path: Path) -> None:
    twice = {
        name: torch.cat([tensor, tensor]) for name, tensor in xt_state(False, False, False).items() if is_of_heads(name)
    }
    state = xt_state(False, False, False) | twice
    state |= {name: torch.cat([tensor, tensor], 1) for name, tensor in state.items() if "to_out" in name}
    opened = open_model(stored(state, tmp_path), given={"n_heads": HEADS})
    assert (opened.model.config.head_dim, opened.model.config.hidden_size) == (16, 32)


def is_of_heads(name: str) -> bool:
    return any(part in name for part in ("to_q", "to_k", "to_v"))


# The table


EXAMPLES: dict[str, State] = {
    "nanogpt": nanogpt_state(),
    "litgpt llama": lit_state("llama"),
    "litgpt neox": lit_state("neox"),
    "cogformer": cog_state(),
    "u_vit": uvit_state(),
    "hooked transformer": their_weights(bare_vanilla("every part")),
    "grokking": grokking_state(),
    "x_transformers": xt_state(True, False, False),
    "x_transformers gated": xt_state(True, True, True),
}


@pytest.mark.parametrize("name", CONVERTERS)
@pytest.mark.parametrize("spoil", ["flat", "short", "missing"])
def test_tensors_of_odd_shapes_are_refused_in_a_sentence(spoil: str, name: str, tmp_path: Path) -> None:
    given = {"n_heads": 4, "activation": "relu", "attention": "cog", "direction": "causal", "norm": "LN"}
    for number, tensor_name in enumerate(EXAMPLES[name]):
        state = dict(EXAMPLES[name])
        if spoil == "missing":
            del state[tensor_name]
        else:
            state[tensor_name] = state[tensor_name].flatten() if spoil == "flat" else state[tensor_name][..., :1]
        if number % 5 == 0:
            open_or_refuse(stored(state, tmp_path), {key: given[key] for key in CONVERTERS[name].facts if key in given})


def open_or_refuse(file: Path, given: dict[str, Any]) -> None:
    """What is left out may be a bias; whatever else comes is a refusal."""
    try:
        open_model(file, given=given)
    except CheckpointError as refusal:
        assert str(file) in str(refusal)


@pytest.mark.parametrize("name", CONVERTERS)
def test_every_checkpoint_is_recognised_by_its_own_converter_alone(name: str) -> None:
    checkpoint = ForeignCheckpoint(Path("file"), EXAMPLES[name])
    assert [other for other, converter in CONVERTERS.items() if converter.recognises(checkpoint)] == [name]

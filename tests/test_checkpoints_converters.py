"""Checkpoints in the layouts of others' code: each opens as the same function, says what it was taken for, and asks."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_models import (
    COG_CFG,
    HEADS,
    IDS,
    NANOGPT_ARGS,
    State,
    cog_logits,
    cog_state,
    nanogpt_logits,
    nanogpt_state,
)
from safetensors.torch import save_file

from headscope import load, save
from headscope.models.checkpoints import CheckpointError, open_folder, open_model

CLOSE: dict[str, Any] = {"atol": 1e-4, "rtol": 0}


def stored(contents: Any, place: Path, name: str = "anything.xyz") -> Path:
    """The file that torch writes of it, under a name that says nothing."""
    torch.save(contents, place / name)
    return place / name


@torch.no_grad()
def opened_logits(file: Path, **given: Any) -> torch.Tensor:
    return open_model(file, given=given).model(IDS).logits


def refused(file: Path, sentence: str, **given: Any) -> None:
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_model(file, given=given)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


# nanoGPT


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_nanogpt_computes_what_its_own_code_computes(bias: bool, tied: bool, tmp_path: Path) -> None:
    state = nanogpt_state(bias, tied)
    file = stored({"model": state, "model_args": NANOGPT_ARGS, "iter_num": 3}, tmp_path)
    torch.testing.assert_close(opened_logits(file), nanogpt_logits(state, IDS), **CLOSE)


@pytest.mark.parametrize("form", ["exponential", "linear"])
def test_temperatures_of_selective_attention_s_code_are_kept(form: str, tmp_path: Path) -> None:
    state = nanogpt_state(tempered=True)
    if form == "linear":
        state |= {name: beta.sigmoid() for name, beta in state.items() if name.endswith(".beta")}
    file = stored({"model": state, "model_args": NANOGPT_ARGS}, tmp_path)
    torch.testing.assert_close(opened_logits(file, temperature=form), nanogpt_logits(state, IDS, form=form), **CLOSE)


def test_the_form_of_temperatures_is_assumed_aloud(tmp_path: Path) -> None:
    file = stored({"model": nanogpt_state(tempered=True), "model_args": NANOGPT_ARGS}, tmp_path)
    assert "assumed " in (words := open_model(file).opened_as) and "temperature=exponential" in words


def test_a_sibling_s_names_of_norms_are_known(tmp_path: Path) -> None:
    state = nanogpt_state()
    norms = {
        name.replace(".weight", ".gamma").replace(".bias", ".beta") if "ln_" in name else name: t
        for name, t in state.items()
    }
    torch.testing.assert_close(
        opened_logits(stored(norms, tmp_path), n_heads=HEADS), nanogpt_logits(state, IDS), **CLOSE
    )


def wrapped(prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in nanogpt_state().items()}


WRAPPED: dict[str, Any] = {
    "compiled": wrapped("_orig_mod."),
    "parallel": wrapped("module."),
    "parallel and compiled": wrapped("module._orig_mod."),
    "Lightning": {"state_dict": wrapped("net."), "hyper_parameters": {"n_head": HEADS}, "callbacks": {}, "epoch": 2},
    "Lightning, compiled": {"state_dict": wrapped("model._orig_mod.")},
    "nested": {"ema": {"module": nanogpt_state()}},
    "with an optimizer": {"model": nanogpt_state(), "optimizer": {"state": {0: {"exp_avg": torch.ones(9, 9)}}}},
    "arguments of a command": {"model": nanogpt_state(), "args": Namespace(n_head=HEADS, lr=1.0)},
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_wrappers_wrote_before_the_names_is_taken_off(name: str, tmp_path: Path) -> None:
    logits = opened_logits(stored(WRAPPED[name], tmp_path), n_heads=HEADS)
    torch.testing.assert_close(logits, nanogpt_logits(nanogpt_state(), IDS), **CLOSE)


def test_weights_are_taken_before_their_average_which_can_be_asked_for(tmp_path: Path) -> None:
    average = {name: tensor * 0.9 for name, tensor in nanogpt_state().items()}
    file = stored({"ema": average, "model": nanogpt_state(), "model_args": NANOGPT_ARGS}, tmp_path)
    torch.testing.assert_close(opened_logits(file), nanogpt_logits(nanogpt_state(), IDS), **CLOSE)
    torch.testing.assert_close(opened_logits(file, weights="ema"), nanogpt_logits(average, IDS), **CLOSE)
    assert "took the weights 'model', beside which there are 'ema'" in open_model(file).opened_as
    refused(file, "weights='emma' was given; there are model, ema; did you mean 'ema'", weights="emma")


def test_an_average_within_one_state_dict_is_told_apart(tmp_path: Path) -> None:
    both = {f"ema_model.{name}": tensor * 0.9 for name, tensor in nanogpt_state().items()}
    both |= {f"online_model.{name}": tensor for name, tensor in nanogpt_state().items()}
    file = stored({**both, "step": torch.tensor(3)}, tmp_path)
    torch.testing.assert_close(opened_logits(file, n_heads=HEADS), nanogpt_logits(nanogpt_state(), IDS), **CLOSE)


def test_safetensors_are_recognised_too(tmp_path: Path) -> None:
    save_file({name: tensor.clone() for name, tensor in nanogpt_state().items()}, tmp_path / "model.safetensors")
    for place in (tmp_path, tmp_path / "model.safetensors"):
        torch.testing.assert_close(opened_logits(place, n_heads=HEADS), nanogpt_logits(nanogpt_state(), IDS), **CLOSE)


# Cog attention's authors


@pytest.mark.parametrize("attention", ["np", "vanilla"])
@pytest.mark.parametrize("table", [dict, lambda fields: Namespace(**fields)], ids=["table", "namespace"])
def test_the_cog_authors_model_computes_what_its_own_code_computes(attention: str, table: Any, tmp_path: Path) -> None:
    state = cog_state()
    file = stored({"model_cfg": table({**COG_CFG, "attn_type": attention}), "model": state}, tmp_path)
    torch.testing.assert_close(opened_logits(file), cog_logits(state, IDS, attention), **CLOSE)
    assert open_model(file).opened_as == "opened as a checkpoint of Cog attention's authors"


def test_what_a_bare_state_dict_cannot_say_is_asked_for_by_name(tmp_path: Path) -> None:
    file = stored(cog_state(), tmp_path)
    refused(
        file, r"does not say n_heads \(heads of a layer: a whole number\), attention \(np is Cog in the inner layers"
    )
    refused(file, r"load\(path, given=\{'attention': …\}\), or --given attention=…", n_heads=HEADS)
    logits = opened_logits(file, n_heads=HEADS, attention="np", norm_eps=1e-5)
    torch.testing.assert_close(logits, cog_logits(cog_state(), IDS), **CLOSE)


# What is given and said


@pytest.mark.parametrize(
    ("given", "sentence"),
    {
        "unknown": ({"n_head": 4}, "'n_head' was given, and nothing of .* is called so; .*did you mean 'n_heads'"),
        "contradiction": ({"n_heads": 8}, "n_heads=8 was given, and the checkpoint says 4"),
        "no number": ({"n_heads": "four"}, "n_heads .* is a whole number; got 'four'"),
        "no choice": ({"activation": "tanh"}, "activation .* is one of gelu, gelu_new, relu, silu; got 'tanh'"),
        "not finite": ({"norm_eps": "inf"}, "norm_eps .* is a number; got 'inf'"),
    }.values(),
)
def test_what_is_given_wrongly_is_refused_by_name(given: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    refused(stored({"model": nanogpt_state(), "model_args": NANOGPT_ARGS}, tmp_path), sentence, **given)


def test_words_of_a_command_line_are_read(tmp_path: Path) -> None:
    words = open_model(stored(nanogpt_state(), tmp_path), given={"n_heads": "4", "norm_eps": "1e-5"}).opened_as
    assert words == "opened as a nanoGPT checkpoint; assumed activation=gelu (of the MLP)"


def test_a_loaded_model_says_what_it_was_opened_as_and_is_saved_as_a_folder(tmp_path: Path) -> None:
    file = stored({"model_cfg": COG_CFG, "model": cog_state()}, tmp_path)
    model = load(file)
    assert model.cfg.opened_as == "opened as a checkpoint of Cog attention's authors"
    opened = open_folder(save(model, tmp_path / "saved"))
    torch.testing.assert_close(opened.model(IDS).logits, cog_logits(cog_state(), IDS), **CLOSE)
    assert opened.spec.variant == "cog"


# What is refused


def test_a_tensor_that_such_a_code_has_not_is_refused_by_name(tmp_path: Path) -> None:
    state = {**nanogpt_state(), "transformer.h.0.attn.gate.weight": torch.ones(3, 3)}
    refused(
        stored(state, tmp_path), "tensor 'transformer.h.0.attn.gate.weight' that such a checkpoint has not", n_heads=4
    )


def test_tensors_that_nobody_knows_are_named(tmp_path: Path) -> None:
    file = stored({"weights": {"a.weight": torch.ones(3, 3), "b": torch.ones(3)}}, tmp_path)
    refused(file, r"its 2 tensors \('a.weight', 'b', …\) are of no layout that is known here: a nanoGPT checkpoint")


def test_a_head_count_that_does_not_divide_is_refused(tmp_path: Path) -> None:
    refused(stored(nanogpt_state(), tmp_path), "its layout makes no model|fails", n_heads=5)


class Runs:
    """What a pickle can do."""

    def __reduce__(self) -> Any:
        return print, ("it ran",)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(stored({"model": nanogpt_state(), "config": Runs()}, tmp_path), "would run code when opened")
    assert capsys.readouterr().out == ""


def test_what_is_no_file_of_weights_is_refused_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("weights")
    refused(tmp_path / "model.pt", "neither as a file of torch's, nor as safetensors or GGUF")


def test_several_files_of_weights_are_named(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        stored(nanogpt_state(), tmp_path, name)
    refused(tmp_path, "it has no config.json, and 2 files: name one of a.pt, b.pt")

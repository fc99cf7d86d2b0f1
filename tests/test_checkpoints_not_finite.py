"""Weights that are not finite: the model opens with a warning that names them, and what is said of it says where."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from model_folders import edit_weights, good_folder
from safetensors.torch import load_file
from test_app_pages import page

from headscope import analyse, load
from headscope.app.terminal.inspection import inspection_notes
from headscope.interp.report.page import report
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.checkpoints.files.not_finite import not_finite_layers

QUERY, NORM = "model.layers.1.self_attn.q_proj.weight", "model.norm.weight"
IN_LAYER = f"weights of layer 1 hold NaN: {QUERY}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path / "model")


def with_nan(folder: Path) -> Path:
    edit_weights(folder, lambda weights: weights[QUERY][0, 0].fill_(torch.nan))
    return folder


def opened_quietly(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load(folder)


def test_a_model_with_nan_opens_with_a_warning_that_names_its_weights(folder: Path) -> None:
    with pytest.warns(UserWarning, match=f"{folder}: {IN_LAYER}; what is computed from them is not finite"):
        opened = open_folder(with_nan(folder))
    assert opened.not_finite == (IN_LAYER,)
    assert opened.model.get_parameter(QUERY).isnan().sum() == 1


def test_infinity_is_called_that_and_one_outside_the_layers_too(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights[NORM][-1:].fill_(-torch.inf))
    with pytest.warns(UserWarning, match=f"weights outside the layers hold infinity: {NORM}"):
        open_folder(folder)


def test_the_same_holds_of_a_pickle(folder: Path) -> None:
    torch.save(load_file(with_nan(folder) / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.warns(UserWarning, match=IN_LAYER):
        open_folder(folder)


def test_a_row_of_the_embedding_that_no_trial_reads_is_seen(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights["model.embed_tokens.weight"][-1].fill_(torch.nan))
    with pytest.warns(UserWarning, match=r"outside the layers hold NaN: model\.embed_tokens\.weight"):
        open_folder(folder)


def test_finite_weights_open_without_a_word_and_overflow_is_refused(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_folder(folder).not_finite == ()
    edit_weights(folder, lambda weights: weights["lm_head.weight"].fill_(3e38))
    with pytest.raises(CheckpointError, match="logits that are not finite"):
        open_folder(folder)


def test_many_tensors_are_counted() -> None:
    layers = torch.nn.ModuleDict({"h": torch.nn.ModuleList([torch.nn.Linear(2, 2) for _ in range(2)])})
    names = [name for name, weight in layers.named_parameters() if torch.nn.init.constant_(weight, torch.nan) is weight]
    assert not_finite_layers(layers) == tuple(
        f"weights of layer {at} hold NaN: {', '.join(names[2 * at : 2 * at + 2])}" for at in range(2)
    )


def test_findings_say_where_and_leave_out_what_has_no_value(folder: Path) -> None:
    findings = analyse(opened_quietly(with_nan(folder)), "abc abd")
    assert findings.facts.not_finite == (IN_LAYER,) == tuple(findings.to_json()["facts"]["not_finite"])
    assert "there is NaN or infinity in hook_attn_out" in findings.left_out["deletion"]
    assert findings["patterns"].tensors()["pattern"][1].isnan().any()
    assert f"model: {IN_LAYER}" in inspection_notes([findings]) and IN_LAYER in report([findings])


@pytest.mark.usefixtures("no_page_waits")
@pytest.mark.filterwarnings("ignore:.*hold NaN")
def test_a_page_says_where(folder: Path) -> None:
    test = page(with_nan(folder))
    assert not test.exception, [*test.exception]
    assert IN_LAYER in test.warning[0].value.replace("\\", "")

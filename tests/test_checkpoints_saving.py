"""Model folders: saving leaves the old model, the new one, or none, and writes over nothing else."""

import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from model_folders import carrying, good_folder, tokenizer
from tiny_decoders import CONFIGS, SPECS, stir, tiny_decoder
from transformers import (
    ByT5Tokenizer,
    FalconH1Config,
    FalconH1ForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
)

from headscope import AttentionSpec, attach, save
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.hooked.loading import place_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path / "model")


# Where a model may be written


def test_saving_again_replaces_the_model_and_keeps_the_other_files(folder: Path) -> None:
    (folder / "history.jsonl").write_text("{}")
    (folder / "step-000001").mkdir()
    later = carrying("llama")
    stir(later, 0.3)
    save(later, folder, tokenizer("y"))
    opened = open_folder(folder)
    assert torch.equal(opened.model.lm_head.weight, later.lm_head.weight)
    assert opened.tokenizer is not None and "yyyyyyyyy" in opened.tokenizer.get_vocab()
    assert {"history.jsonl", "step-000001"} <= {entry.name for entry in folder.iterdir()}


def test_what_is_not_saved_again_is_gone(folder: Path) -> None:
    save(carrying("llama"), folder)
    assert open_folder(folder).tokenizer is None
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
    ]


def test_shards_are_replaced_by_the_one_file(tmp_path: Path) -> None:
    model = tiny_decoder("llama")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    save(model, tmp_path)
    assert [file.name for file in tmp_path.glob("*.safetensors*")] == ["model.safetensors"]
    assert open_folder(tmp_path).spec == AttentionSpec("softmax")


def test_a_run_s_folder_takes_its_final_model(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run / "step-000001")
    (run / "state.pt").write_text("state")
    save(carrying("llama"), run)
    assert open_folder(run).spec == SPECS["cogformer"]
    assert (run / "state.pt").read_text() == "state"


def a_file(place: Path) -> None:
    place.write_text("")


def other_files(place: Path) -> None:
    place.mkdir()
    (place / "thesis.txt").write_text("")


def other_family(place: Path) -> None:
    save(carrying("gpt2"), place)


def other_attention(place: Path) -> None:
    save(carrying("llama", "cog"), place)


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (a_file, "it is a file; give a folder"),
        (other_files, "it holds other files; choose a new folder"),
        (other_family, "it holds another kind of model .gpt2 with"),
        (other_attention, "it holds another kind of model .llama with"),
    ],
)
def test_nothing_else_is_written_over(there: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    there(place)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(CheckpointError, match=sentence):
        save(carrying("llama"), place)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("again", [False, True])
def test_a_failed_save_leaves_what_was_there(again: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder if again else folder.parent / "new"
    before = {file: file.read_bytes() for file in folder.parent.rglob("*") if file.is_file()}
    monkeypatch.setattr("headscope.models.checkpoints.saving.write_config", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(carrying("llama"), place)
    assert {file: file.read_bytes() for file in folder.parent.rglob("*") if file.is_file()} == before
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]


KILLED = """
import os, shutil, sys
from pathlib import Path
from headscope.models.checkpoints import open_folder, save

old, new, place = map(Path, sys.argv[1:])
opened = open_folder(new)


def save_killed_before(move: int) -> None:
    def counted(real):
        def moved(*arguments, **options):
            nonlocal move
            if move == 0:
                os._exit(9)
            move -= 1
            return real(*arguments, **options)
        return moved

    for name in ("mkdir", "replace", "unlink", "write_text"):
        setattr(Path, name, counted(getattr(Path, name)))
    save(opened.model, place, opened.tokenizer)
    os._exit(0)


for move in range(100):
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(old, place)
    child = os.fork() or save_killed_before(move)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        print(open_folder(place).fingerprint)
    except ValueError as error:
        print(str(error).split(": ")[-1])
    save(opened.model, place, opened.tokenizer)
    assert open_folder(place).fingerprint == opened.fingerprint
    if status == 0:
        break
    assert status == 9
"""


def test_a_save_killed_at_any_step_leaves_the_old_the_new_or_no_model(folder: Path, tmp_path: Path) -> None:
    later = carrying("llama")
    stir(later, 0.3)
    other = save(later, tmp_path / "other", tokenizer("y"))
    command = [sys.executable, "-c", KILLED, folder, other, tmp_path / "place"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    old, new = open_folder(folder).fingerprint, open_folder(other).fingerprint
    stages = [stage for stage, _ in groupby(done.stdout.splitlines())]
    assert stages == [old, "a save into it was cut off; save the model again", new]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "other", "place"]


def filled(value: float) -> PreTrainedModel:
    model = carrying("llama")
    model.model.norm.weight.data.fill_(value)
    return model


def test_weights_that_would_overflow_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"'model\.norm\.weight' is not finite in torch\.float16"):
        save(filled(1e5), tmp_path / "model", dtype=torch.float16)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("value", "word"), [(torch.nan, "NaN"), (torch.inf, "infinity")])
def test_what_is_not_finite_is_saved_with_the_warning_that_it_opens_with(
    value: float, word: str, tmp_path: Path
) -> None:
    sentence = f"weights outside the layers hold {word}: model.norm.weight"
    with pytest.warns(UserWarning, match=f"saved as it is: {sentence}"):
        folder = save(filled(value), tmp_path / "model")
    with pytest.warns(UserWarning, match=sentence):
        first = open_folder(folder)
    with pytest.warns(UserWarning, match="saved as it is"):
        again = save(first.model, tmp_path / "again")
    with pytest.warns(UserWarning, match=sentence):
        assert open_folder(again).fingerprint == first.fingerprint


def test_a_nan_in_tied_weights_is_saved_too(tmp_path: Path) -> None:
    model = carrying("gpt2")
    model.transformer.wte.weight.data[-1, 0] = torch.nan
    with pytest.warns(UserWarning, match=r"transformer\.wte\.weight"):
        folder = save(model, tmp_path / "model")
    with pytest.warns(UserWarning, match=r"transformer\.wte\.weight"):
        open_folder(folder)


def test_a_limit_without_end_is_what_transformers_wrote(tmp_path: Path) -> None:
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2}
    mamba = {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_chunk_size": 4}
    config = FalconH1Config(vocab_size=32, num_hidden_layers=2, **sizes, **mamba)
    FalconH1ForCausalLM(config).save_pretrained(tmp_path / "model")
    again = save(open_folder(tmp_path / "model").model, tmp_path / "again")
    assert list(open_folder(again).model.config.time_step_limit) == [0.0, float("inf")]


def test_only_models_are_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot save a Linear; save writes transformers models and hooked ones"):
        save(torch.nn.Linear(2, 2), tmp_path / "model")


def test_hooked_models_of_others_are_not_saved(tmp_path: Path) -> None:
    bridge = SimpleNamespace(original_model=carrying("llama"), tokenizer=None)
    with pytest.raises(CheckpointError, match=r"cannot save a SimpleNamespace that headscope\.hooked did not make"):
        save(bridge, tmp_path / "model")


def test_only_tokenizers_with_a_file_are_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot save a tokenizer of class ByT5Tokenizer"):
        save(carrying("llama"), tmp_path / "model", ByT5Tokenizer())


def test_a_base_model_has_no_head_to_save(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"it has no parameter 'lm_head.weight', which its config asks for"):
        save(tiny_decoder("llama").model, tmp_path / "model")


def with_parameter() -> PreTrainedModel:
    model = carrying("llama")
    model.model.layers[1].self_attn.extra = torch.nn.Parameter(torch.ones(3))
    return model


def with_buffer() -> PreTrainedModel:
    model = carrying("gpt2")
    model.register_buffer("extra", torch.ones(3))
    return model


def classifier() -> PreTrainedModel:
    config = CONFIGS["llama"]()
    config.tie_word_embeddings = True
    return attach(LlamaForSequenceClassification(config), SPECS["cog"])


@pytest.mark.parametrize(
    ("made", "name"),
    [(with_parameter, "model.layers.1.self_attn.extra"), (with_buffer, "extra"), (classifier, "score.weight")],
)
@pytest.mark.parametrize("through_hooks", [False, True])
def test_tensors_that_would_be_lost_are_refused_by_name(
    made: Callable[[], PreTrainedModel], name: str, through_hooks: bool, tmp_path: Path
) -> None:
    from headscope.models.hooked import hooked

    model: Any = made()
    if through_hooks and made is not classifier:
        model = hooked(model)
    with pytest.raises(CheckpointError, match=f"cannot save the model: its config knows no tensor '{name}'"):
        save(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_buffers_that_are_computed_anew_are_not_written(tmp_path: Path) -> None:
    model = carrying("gpt2")
    model.transformer.h[0].attn.register_buffer("masked_bias", torch.tensor(-1e4))  # as files of old versions have it
    opened = open_folder(save(model, tmp_path / "model"))
    assert "transformer.h.0.attn.masked_bias" not in opened.model.state_dict()


def test_untied_twins_are_not_saved_as_tied(tmp_path: Path) -> None:
    model = tiny_decoder("gpt2")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight + 1)
    with pytest.raises(CheckpointError, match=r"cannot save the model: the config ties 'lm_head.weight'"):
        save(model, tmp_path / "model")


@pytest.mark.parametrize("thing", [None, 3])
def test_load_of_no_name_and_no_path_is_refused(thing: Any) -> None:
    with pytest.raises(CheckpointError, match="load takes the name of a shipped model, a folder or a file, got a "):
        inspect.unwrap(place_of)(thing)

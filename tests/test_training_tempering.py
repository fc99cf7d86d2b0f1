"""Tempering: a softmax model gets temperatures, exactly those counted, and all its other weights stay as they were."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_app_command import assert_refused, headscope
from tiny_decoders import CONFIGS, random_ids, tiny_decoder
from tiny_models import tiny_folder, tiny_tokenizer
from tiny_runs import write_text
from transformers import PreTrainedTokenizerFast

from headscope import AttentionSpec, load
from headscope.models.checkpoints import open_folder, save
from headscope.models.data.text.own_tokens import tokenizer_with_ends
from headscope.models.fitting.history import read_history
from headscope.models.training.norm_gains import NORM_GAINS, norm_gains_alone
from headscope.models.training.partial import Course, LearningOutcome, recipe_of, train_part
from headscope.models.training.tempered import count, temperature_parameters, tempered_model
from headscope.models.training.tempering import Tempering, softmax_model, temper, temperature_part

LAYERS, WIDTH = 3, 32
# Options -> parameters of a layer: a weight of the projection's width and a scalar, for queries and for values.
COUNTS: dict[str, tuple[dict[str, Any], int]] = {
    "all": ({}, 2 * (WIDTH + 1)),
    "tokens": ({"position": "none"}, 2 * WIDTH),
    "positions": ({"token": False}, 2),
    "queries": ({"on_value": False}, WIDTH + 1),
    "the paper's code": ({"position": "paper_code"}, 1),
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"), 2000)


@pytest.fixture(scope="module")
def softmax(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "softmax", "softmax")


def how(text: Path, **changes: Any) -> Tempering:
    fields = {"data": {"source": "text", "path": str(text)}, "steps": 6, "batch": 2, "context": 16}
    return Tempering(course=Course(**{**fields, "validation_windows": 8, **changes}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(softmax: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> LearningOutcome:
    return temper(softmax, tmp_path_factory.mktemp("out") / "selective", how(text))


def stored(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a folder as they are in its file."""
    return open_folder(folder, dtype="auto").model.state_dict()


def test_all_other_weights_stay_bit_identical(done: LearningOutcome, softmax: Path) -> None:
    before, after = stored(softmax), stored(done.folder)
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert all(".variant." in name for name in after.keys() - before.keys())


def test_the_file_grows_by_exactly_the_counted_parameters(done: LearningOutcome, softmax: Path) -> None:
    before, after = stored(softmax), stored(done.folder)
    new = sum(after[name].numel() for name in after.keys() - before.keys())
    assert done.new == done.trained.counted == new == LAYERS * COUNTS["all"][1]
    assert done.trained.all == sum(one.numel() for one in before.values()) + new
    assert done.to_json()["percent"] == pytest.approx(100 * new / done.trained.all)


def test_the_temperatures_were_learned(done: LearningOutcome) -> None:
    learned = [one for name, one in stored(done.folder).items() if name.endswith("temperature_q.weight")]
    assert len(learned) == LAYERS and all(one.abs().max() > 0 for one in learned)


def test_half_precision_weights_stay_bit_identical_too(softmax: Path, text: Path, tmp_path: Path) -> None:
    opened = open_folder(softmax)
    save(opened.model, tmp_path / "half", tokenizer=opened.tokenizer, dtype=torch.bfloat16)
    found = temper(tmp_path / "half", tmp_path / "out", how(text, steps=2))
    before, after = stored(tmp_path / "half"), stored(found.folder)
    assert {one.dtype for one in before.values()} == {torch.bfloat16}
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


def test_the_folder_opens_as_a_selective_model(done: LearningOutcome) -> None:
    model = load(done.folder)
    assert open_folder(done.folder).spec == AttentionSpec("selective")
    assert model.tokenizer is not None


def test_the_losses_are_those_of_the_models(done: LearningOutcome) -> None:
    history = read_history(done.folder / "history.jsonl")
    measured = [one["validation_loss"] for one in history if "validation_loss" in one]
    assert (measured[0], measured[-1]) == (done.loss_attached, done.loss_after)
    assert abs(done.loss_attached - done.loss_before) < 0.1 * done.loss_before
    assert done.loss_after < done.loss_before
    assert json.loads((done.folder / "tempering.json").read_text()) == done.to_json()


@pytest.mark.parametrize("options", COUNTS)
def test_the_count_follows_from_the_options(options: str) -> None:
    chosen, per_layer = COUNTS[options]
    model = tiny_decoder("gpt_neox")
    before = model.num_parameters()
    counted = count(tempered_model(model, AttentionSpec("selective", **chosen)))
    assert (counted.counted, counted.all) == (LAYERS * per_layer, before + LAYERS * per_layer)


@pytest.mark.parametrize("family", CONFIGS)
def test_only_temperatures_learn_in_every_family(family: str) -> None:
    model = tempered_model(tiny_decoder(family), AttentionSpec("selective"))
    model(input_ids=random_ids()).logits.square().mean().backward()
    learning = {name for name, one in model.named_parameters() if one.grad is not None}
    assert learning == {name for name, _ in temperature_parameters(model)}


@pytest.mark.parametrize("family", CONFIGS)
def test_without_positions_nothing_changes_at_first(family: str) -> None:
    ids, model = random_ids(), tiny_decoder(family)
    before = model(input_ids=ids).logits
    after = tempered_model(model, AttentionSpec("selective", position="none"))(input_ids=ids).logits
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", ["paper", "paper_code"])
def test_positional_temperatures_start_near_one(position: str) -> None:
    model = tempered_model(tiny_decoder("llama"), AttentionSpec("selective", position=position, token=False))
    tau: Any = model.model.layers[0].self_attn.variant.temperature_q
    assert 1 < tau(torch.zeros(1, 1, WIDTH), torch.tensor([[256]])).item() < 1.015


def test_a_stopped_tempering_goes_on_as_if_it_had_not_been(
    done: LearningOutcome, softmax: Path, text: Path, tmp_path: Path
) -> None:
    def watch(record: dict[str, Any]) -> None:
        if record["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after step 3 of 6"):
        temper(softmax, tmp_path / "out", how(text), watch)
    gone_on = temper(softmax, tmp_path / "out", how(text))
    assert gone_on.to_json() == done.to_json()
    assert open_folder(gone_on.folder).fingerprint == open_folder(done.folder).fingerprint


def test_norm_gains_alone_learn_and_all_else_stays_bit_identical(softmax: Path, text: Path, tmp_path: Path) -> None:
    found = train_part(softmax_model(softmax), NORM_GAINS, how(text).course, tmp_path / "out")
    before, after = stored(softmax), stored(found.folder)
    learned = {name for name in before if not torch.equal(before[name], after[name])}
    assert learned == {name for name in before if name.startswith("model.layers.") and "layernorm" in name}
    assert (found.new, found.trained.counted) == (0, sum(before[name].numel() for name in learned))
    assert before.keys() == after.keys() and found.loss_after < found.loss_before == found.loss_attached


def test_every_part_learns_from_the_same_windows(softmax: Path, text: Path) -> None:
    opened, course = softmax_model(softmax), how(text).course
    one, other = (recipe_of(opened, part, course) for part in (temperature_part({}), NORM_GAINS))
    assert replace(one, model={}, attention={}) == replace(other, model={}, attention={})


def test_a_model_without_such_norms_is_refused() -> None:
    with pytest.raises(ValueError, match="a GPT2LMHeadModel has no parameter that ends in input_layernorm"):
        norm_gains_alone(tiny_decoder("gpt2"))


def test_the_command_says_what_it_cost_and_gained(softmax: Path, text: Path, tmp_path: Path) -> None:
    asked = ("temper", softmax, "--out", tmp_path / "out", "--corpus", text, "--steps", "3", "--context", "16")
    first, again = headscope(*asked), headscope(*asked)
    assert (first.exit_code, first.exception) == (0, None), first.output
    said = first.stdout.splitlines()[-3:]
    assert said[0].startswith(f"new parameters: {LAYERS * COUNTS['all'][1]} of ")
    assert said[1].startswith("loss on the same held-out windows: ")
    assert said[2] == f"written: {tmp_path / 'out'}"
    assert again.stdout.splitlines()[-3:] == said


def test_refusals_are_one_sentence(softmax: Path, text: Path, tmp_path: Path) -> None:
    corpus = ("--corpus", text, "--context", "16")
    cog, bare = tiny_folder(tmp_path / "cog", "cog"), tiny_folder(tmp_path / "bare", "softmax", with_tokenizer=False)
    out = ("--out", tmp_path / "out")
    assert_refused(headscope("temper", cog, *out, *corpus), "carries cog attention; only a softmax model")
    assert_refused(headscope("temper", bare, *out, *corpus), "has no tokenizer")
    assert_refused(headscope("temper", softmax, "--out", cog, *corpus), "is not empty and holds no run")
    assert_refused(headscope("temper", softmax, "--out", softmax, *corpus), "is not empty and holds no run")
    assert_refused(headscope("temper", "nobody", *out), "no such folder")
    assert_refused(headscope("temper", softmax, *out, "--corpus", tmp_path / "none"), "there is no text file")
    assert_refused(headscope("temper", softmax, *out, *corpus, "--position", "here"), "unknown position 'here'")
    assert_refused(headscope("temper", softmax, *out, *corpus, "--position", "none", "--no-token"), "no temperature")
    assert not (tmp_path / "out").exists()


def test_another_way_of_tempering_is_refused_in_the_same_folder(
    done: LearningOutcome, softmax: Path, text: Path
) -> None:
    with pytest.raises(ValueError, match="recipe field 'lr' was"):
        temper(softmax, done.folder, how(text, lr=0.1))


def test_a_tokenizer_without_a_beginning_or_an_end_is_refused() -> None:
    bare = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer().backend_tokenizer)
    with pytest.raises(ValueError, match="no token that begins or ends a text"):
        tokenizer_with_ends(bare, 300)
    with pytest.raises(ValueError, match="the tokenizer has 300 tokens, the model knows 200"):
        tokenizer_with_ends(tiny_tokenizer(), 200)
    assert tokenizer_with_ends(tiny_tokenizer(), 300).eos_token == "<|endoftext|>"

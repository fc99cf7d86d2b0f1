"""Starting from a folder: its weights, config and tokenizer, the recipe's attention, and a curve that a kill leaves."""

import os
import signal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from test_app_command import assert_refused, headscope
from test_training_resume import curve, dying
from tiny_decoders import tiny_decoder
from tiny_models import tiny_folder, tiny_model, tiny_tokenizer
from tiny_runs import write_text
from tiny_vits import tiny_vit

from headscope import AttentionSpec, attach, load
from headscope.models.checkpoints import open_folder, save
from headscope.models.hosts.attachment import spec_of
from headscope.models.training.loop import train
from headscope.models.training.partial import Course
from headscope.models.training.recipe import START, Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.run import open_run
from headscope.models.training.tempering import Tempering, temper

TOML = 'steps = 2\nwarmup = 0\nsnapshots = 0\nbatch = 2\n[data]\nsource = "text"\npath = "text.txt"\ncontext = 16\n'
KILLED = ("headscope.models.fitting.fit", "append_record", 7)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"), 2000)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A softmax model with dropout, which a resumed run has to draw as if it had not stopped."""
    model = tiny_model("softmax")
    model.config.attention_dropout = 0.2  # type: ignore[attr-defined]
    return save(model, tmp_path_factory.mktemp("models") / "softmax", tokenizer=tiny_tokenizer())


def recipe_from(source: Path | str, text: Path, **changes: Any) -> Recipe:
    data = {"source": "text", "path": str(text), "context": 16, "validation_windows": 8}
    fields = {"model": {START: str(source)}, "attention": {"variant": "cog", "layers": "inner"}, "data": data}
    plan = {"steps": 10, "batch": 2, "lr": 1e-2, "warmup": 2, "snapshots": 0, "save_every": 4, "measure_every": 5}
    return Recipe.from_plain({**fields, **plan, **changes})


@pytest.fixture(scope="module")
def trained(source: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "whole"
    train(recipe_from(source, text), run)
    return run


def test_a_run_begins_with_the_folder_s_weights_and_the_recipe_s_attention(
    source: Path, text: Path, tmp_path: Path
) -> None:
    model: Any = open_run(recipe_from(source, text), tmp_path / "run").fitting.plain_model
    stored = open_folder(source).model.state_dict()
    assert [name for name, value in model.state_dict().items() if not torch.equal(value, stored[name])] == []
    assert spec_of(model).variant == "cog" and all(item.requires_grad for item in model.parameters())


def test_the_finished_folder_has_the_tokenizer_and_config_that_it_started_with(trained: Path, source: Path) -> None:
    before, after = open_folder(source), open_folder(trained)
    assert before.tokenizer is not None and after.tokenizer is not None
    assert after.tokenizer.get_vocab() == before.tokenizer.get_vocab()
    assert after.tokenizer.special_tokens_map == before.tokenizer.special_tokens_map
    fields = ("hidden_size", "vocab_size", "eos_token_id", "pad_token_id", "attention_dropout")
    assert [getattr(after.model.config, name) for name in fields] == [
        getattr(before.model.config, name) for name in fields
    ]
    assert after.spec.variant == "cog" and load(trained).cfg.n_layers == 3


def test_it_goes_on_learning_from_there(trained: Path) -> None:
    losses = [record["validation_loss"] for record in curve(trained) if "validation_loss" in record]
    assert len(losses) == 3 and losses[-1] < losses[0]


def test_new_temperatures_leave_the_model_almost_as_it_was(source: Path, text: Path, tmp_path: Path) -> None:
    ids = torch.arange(5, 15)[None]
    plain: Any = open_folder(source).model
    with torch.no_grad():
        softmax = plain(ids).logits
        run = open_run(recipe_from(source, text, attention={"variant": "selective"}), tmp_path / "run")
        begun: Any = run.fitting.model
        assert spec_of(begun).variant == "selective"
        still = begun.eval()(ids).logits
        others = attach(plain, AttentionSpec("selective"))(ids).logits
    assert (still - softmax).norm() < 0.05 * (others - softmax).norm()


@pytest.mark.parametrize("attention", [{"variant": "softmax", "gate": "element"}, {"variant": "forgetting"}])
def test_new_gates_leave_the_model_almost_as_it_was(
    attention: dict[str, str], source: Path, text: Path, tmp_path: Path
) -> None:
    ids = torch.arange(5, 15)[None]
    plain: Any = open_folder(source).model
    begun: Any = open_run(recipe_from(source, text, attention=attention), tmp_path / "run").fitting.model
    with torch.no_grad():
        softmax, still = plain(ids).logits, begun.eval()(ids).logits
        others = attach(plain, AttentionSpec.from_json({"layers": "all", "options": {}, **attention}))(ids).logits
    assert (still - softmax).norm() < 0.1 * (others - softmax).norm()


def killed(work: Any, *arguments: Any) -> int | None:
    """How a process ended that was to be killed before the line of its sixth step."""

    def until_killed() -> None:
        dying(*KILLED)
        work(*arguments)

    child = get_context("fork").Process(target=until_killed)
    child.start()
    child.join(120)
    return child.exitcode


def test_a_killed_run_goes_on_to_the_same_curve_and_weights(
    trained: Path, source: Path, text: Path, tmp_path: Path
) -> None:
    recipe, run = recipe_from(source, text), tmp_path / "run"
    assert killed(train, recipe, run) == -signal.SIGKILL
    train(recipe, run)
    assert curve(run) == curve(trained)
    assert open_folder(run).fingerprint == open_folder(trained).fingerprint


def test_a_killed_tempering_goes_on_to_the_same_curve_and_weights(source: Path, text: Path, tmp_path: Path) -> None:
    course = Course({"source": "text", "path": str(text)}, steps=8, batch=2, context=16, validation_windows=8)
    whole = temper(source, tmp_path / "whole", Tempering(course=course))
    assert killed(temper, source, tmp_path / "cut", Tempering(course=course)) == -signal.SIGKILL
    again = temper(source, tmp_path / "cut", Tempering(course=course))
    assert curve(tmp_path / "cut") == curve(tmp_path / "whole") and again.to_json() == whole.to_json()
    assert open_folder(again.folder).fingerprint == open_folder(whole.folder).fingerprint


def test_ctrl_c_loses_no_step(trained: Path, source: Path, text: Path, tmp_path: Path) -> None:
    """From step 7 on nothing is measured until the end, which alone would put an opened model into training mode."""

    def watch(record: dict[str, Any]) -> None:
        if record["step"] == 6:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after step 6 of 10"):
        train(recipe_from(source, text), tmp_path / "run", watch)
    train(recipe_from(source, text), tmp_path / "run")
    assert curve(tmp_path / "run") == curve(trained)


def test_what_was_learned_of_the_recipe_s_attention_stays(text: Path, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "selective", "selective")
    recipe = recipe_from(folder, text, attention={"variant": "selective"})
    model: Any = open_run(recipe, tmp_path / "run").fitting.plain_model
    stored = open_folder(folder).model.state_dict()
    assert stored.keys() == model.state_dict().keys() and any(".variant." in name for name in stored)
    assert all(torch.equal(value, stored[name]) for name, value in model.state_dict().items())


def test_16_bit_weights_learn_as_float32(text: Path, tmp_path: Path) -> None:
    folder = save(tiny_model("softmax"), tmp_path / "half", tokenizer=tiny_tokenizer(), dtype=torch.bfloat16)
    model = open_run(recipe_from(folder, text), tmp_path / "run").fitting.plain_model
    assert {item.dtype for item in model.parameters()} == {torch.float32}


def test_a_start_that_holds_other_weights_now_is_refused(
    trained: Path, source: Path, text: Path, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tiny_folder(tmp_path / "other", "softmax")
    train(recipe_from(source, text, steps=1), run)
    with pytest.raises(ValueError, match=r"recipe field 'model' was .*start.* when this run began"):
        train(recipe_from(other, text, steps=1), run)
    begun = read_recipe(trained / "recipe.json")
    begun.model["fingerprint"] = "0" * 64
    with pytest.raises(ValueError, match="holds other weights than when this recipe's run began"):
        train(begun, run)


def test_what_cannot_be_started_from_is_refused_in_a_sentence(text: Path, tmp_path: Path) -> None:
    bare = tiny_folder(tmp_path / "bare", "softmax", with_tokenizer=False)
    vit = save(tiny_vit(), tmp_path / "vit")
    narrow = save(tiny_decoder("llama"), tmp_path / "narrow", tokenizer=tiny_tokenizer())
    refusals = {
        bare: "has no tokenizer, and text cannot be read without its own: put tokenizer.json there",
        vit: "a model of type 'vit' reads images, and the recipe's data 'text' is for models of texts: ",
        narrow: "the tokenizer has 300 tokens, the model knows ",
        tmp_path / "none": "no such folder",
    }
    for folder, words in refusals.items():
        with pytest.raises(ValueError, match=words):
            train(recipe_from(folder, text), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"context": 65}, "the data's context is 65; its model has 64 positions"),
        ({"vocabulary": 301}, "'data.vocabulary' is 301; the model's own tokenizer decides it, and the model has 300"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(
    changes: dict[str, int], words: str, source: Path, text: Path, tmp_path: Path
) -> None:
    recipe = recipe_from(source, text)
    recipe.data.update(changes)
    with pytest.raises(ValueError, match=words):
        train(recipe, tmp_path / "run")


def test_only_a_text_is_learned_from_a_start(source: Path, tmp_path: Path) -> None:
    recipe = recipe_from(source, tmp_path, data={"source": "passkeys"})
    with pytest.raises(ValueError, match="a trained model learns from a text; the data 'passkeys' is none"):
        train(recipe, tmp_path / "run")


def test_a_start_leaves_no_room_for_a_config(text: Path) -> None:
    with pytest.raises(ValueError, match=r"recipe field 'model.hidden_size' stands beside 'model.start'"):
        recipe_from("x", text, model={START: "x", "hidden_size": 64})
    with pytest.raises(TypeError, match=r"recipe field 'model.start' is 3; it must be a folder"):
        recipe_from("x", text, model={START: 3})


def test_a_start_is_a_shipped_name_or_a_path_from_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.toml").write_text(TOML)
    for start, expected in (("softmax", "softmax"), ("mine", str(tmp_path / "mine"))):
        (tmp_path / "start.toml").write_text(f'{TOML}[model]\nstart = "{start}"\n')
        assert read_recipe(tmp_path / "start.toml").model == {START: expected}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_recipe(tmp_path / "own.toml", "mine").model == {START: str(tmp_path / "elsewhere" / "mine")}


def test_the_command_starts_from_a_folder(source: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(text.read_text())
    (tmp_path / "own.toml").write_text(TOML)
    (tmp_path / "full.toml").write_text(f'{TOML}[model]\nmodel_type = "llama"\n')
    out = ("--out", tmp_path / "run")
    done = headscope("train", tmp_path / "own.toml", "--from", source, *out)
    assert (done.exit_code, done.exception) == (0, None) and f"trained: {tmp_path / 'run'}" in done.stdout
    assert open_folder(tmp_path / "run").spec.variant == "softmax"
    again = headscope("train", tmp_path / "own.toml", "--from", source, *out)
    assert "nothing to do" in again.stdout
    assert_refused(headscope("train", tmp_path / "full.toml", "--from", source), "leave one of them out")
    assert_refused(headscope("train", tmp_path / "own.toml"), "recipe field 'model' is missing")

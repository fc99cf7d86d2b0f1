"""The wall around what is foreign: whatever a parser raises, panics included, is one sentence that names the file."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mutations import cut_and_flipped, with_strange_values
from PIL import Image
from streamlit.runtime.scriptrunner import StopException
from tiny_models import tiny_folder, tiny_tokenizer
from torch import nn
from transformers import PreTrainedTokenizerBase

from headscope import load
from headscope.interp.experiments.engine.publishing import read_publication, results_file
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope.interp.trajectories.losses import losses
from headscope.models.checkpoints import CheckpointError
from headscope.models.checkpoints.steps import last_step
from headscope.models.checkpoints.tokenizer import folder_tokenizer
from headscope.models.data.images.picture import decoded_picture
from headscope.models.fitting.fit import fitting_of, resume
from headscope.models.fitting.objective import Objective
from headscope.models.fitting.plan import Plan
from headscope.models.fitting.state import State, load_state, save_state
from headscope.models.io.foreign_input import ForeignInputError, expanded_path, foreign_input
from headscope.models.training.recipe_file import read_recipe

COUNT = 40
ZOO = Path(__file__).parents[1] / "models" / "zoo"


class PanicException(BaseException):
    """As pyo3's, which is no Exception and cannot be imported."""


def panic(*arguments: Any, **options: Any) -> Any:
    raise PanicException("called `Option::unwrap()` on a `None` value")


def refused_or_read(read: Callable[[Path], object], path: Path, contents: list[bytes]) -> int:
    """How many of the contents are refused in one line that names the file; anything else raised ends the test."""
    refused = 0
    for content in contents:
        path.write_bytes(content)
        try:
            read(path)
        except ForeignInputError as error:
            assert path.name in str(error) and "\n" not in str(error)
            refused += 1
    return refused


def as_json(plain: Any) -> bytes:
    return json.dumps(plain).encode("utf-8")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog")


@pytest.mark.parametrize("error", [RuntimeError, KeyError, MemoryError, RecursionError, PanicException])
def test_whatever_a_parser_raises_is_a_refusal_and_stands_in_the_log(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ForeignInputError, match=r"^cannot read a\.json \(.+\)$"), foreign_input("cannot read a.json"):
        raise error("why")
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [error]


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit, StopException])
def test_what_stops_a_program_or_a_page_goes_through(signal: type[BaseException]) -> None:
    with pytest.raises(signal), foreign_input("cannot read a.json"):
        raise signal


def test_a_refusal_inside_keeps_its_words() -> None:
    with pytest.raises(CheckpointError, match=r"^its own words$"), foreign_input("cannot read a.json"):
        raise CheckpointError("its own words")


@pytest.mark.parametrize("text", ["~nobody-of-this-name", "~nobody-of-this-name/model"])
def test_the_home_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(ForeignInputError, match="home of nobody here"):
        expanded_path(text)
    with pytest.raises(ForeignInputError, match="home of nobody here"):
        load(text)


@pytest.mark.parametrize("call", ["encode", "convert_ids_to_tokens"])
def test_a_panic_of_a_tokenizer_is_a_refusal(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer()
    monkeypatch.setattr(tokenizer, call, panic)
    with pytest.raises(ForeignInputError, match=r"the tokenizer of this model fails on .*unwrap"):
        prompt_tokens("return x", tokenizer, prepend_bos=False, vocabulary=300, context=64)


def test_a_panic_while_a_folder_is_opened_names_the_folder(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreTrainedTokenizerBase, "encode", panic)
    with pytest.raises(ForeignInputError, match=f"the tokenizer of {model} fails"):
        load(model)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_mutated_tokenizer_is_read_or_refused(name: str, model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    right = (folder / name).read_bytes()
    strange = [as_json(plain) for plain in with_strange_values(json.loads(right), COUNT)]

    def read(path: Path) -> None:
        if tokenizer := folder_tokenizer(path.parent):
            prompt_tokens("return x", tokenizer, prepend_bos=False, vocabulary=10**6, context=64)

    for content in [*cut_and_flipped(right, COUNT), *strange]:
        (folder / name).write_bytes(content)
        try:
            read(folder / name)
        except ForeignInputError as error:
            assert str(folder) in str(error)
        except ValueError as error:
            assert "the prompt is empty" in str(error)


def test_mutated_histories_are_drawn_or_refused(tmp_path: Path) -> None:
    record = {"step": 3, "tokens": 40, "seconds": 1.5, "loss": 7.5, "validation_loss": 7.6}
    contents = [
        as_json({**record, "step": 0}) + b"\n" + as_json(plain) + b"\n" for plain in with_strange_values(record, COUNT)
    ]
    contents += [*cut_and_flipped(as_json(record) + b"\n", COUNT), b"[" * 10**5 + b"\n", b'{"step": 1}\n{"step"}\n']

    def read(path: Path) -> None:
        if path.read_bytes().count(b"\n"):
            losses({"run": path.parent})

    assert refused_or_read(read, tmp_path / "history.jsonl", contents) > COUNT


def test_mutated_facts_of_a_training_are_read_or_refused(tmp_path: Path) -> None:
    right = (ZOO / "cog" / "training.json").read_bytes()
    steps = [as_json({"steps": strange}) for strange in ("x", None, -1, 10**400, [], 1e308, float("nan"), True)]
    contents = [*cut_and_flipped(right, COUNT), *steps, b"[]", b"", b"[" * 10**5]
    assert refused_or_read(lambda path: last_step(path.parent), tmp_path / "training.json", contents) > len(steps)


@pytest.mark.parametrize("name", ["E1", "E5"])
def test_mutated_results_are_read_or_refused(name: str, tmp_path: Path) -> None:
    right = results_file(name).read_bytes()
    contents = [as_json(plain) for plain in with_strange_values(json.loads(right), COUNT // 2)]
    assert (
        refused_or_read(read_publication, tmp_path / "results.json", [*cut_and_flipped(right, 6), *contents])
        > COUNT // 4
    )


@pytest.mark.parametrize(
    "text", ['steps = 3\nmodel = {a = "b"}\n', "steps: 3\nmodel: {a: b}\n", '{"steps": 3, "model": {}}']
)
def test_a_mutated_recipe_is_read_or_refused(text: str, tmp_path: Path) -> None:
    suffix = ".toml" if "=" in text else ".json" if text[0] == "{" else ".yaml"
    for content in [*cut_and_flipped(text.encode(), COUNT), b"[" * 10**5, b"\xff", b"a: &a [*a]\nb: !!python/none x"]:
        (tmp_path / f"recipe{suffix}").write_bytes(content)
        try:
            read_recipe(tmp_path / f"recipe{suffix}")
        except (ValueError, TypeError) as error:
            assert "recipe" in str(error)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "generation_config.json"])
def test_a_mutated_model_is_opened_or_refused(name: str, model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    right = (folder / name).read_bytes()
    contents = list(cut_and_flipped(right, 6))
    if name == "config.json":
        contents += [as_json(plain) for plain in with_strange_values(json.loads(right), COUNT)]
    for content in contents:
        (folder / name).write_bytes(content)
        try:
            load(folder)
        except CheckpointError as error:
            assert str(folder) in str(error)


def test_a_mutated_picture_is_read_or_refused(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG"):
        Image.new("RGB", (40, 30), "red").save(tmp_path / "right", kind)
        for content in cut_and_flipped((tmp_path / "right").read_bytes(), COUNT):
            try:
                decoded_picture(content)
            except ValueError as error:
                assert "picture" in str(error)


def test_a_damaged_state_is_refused_without_the_advice_to_load_what_is_unsafe(tmp_path: Path) -> None:
    save_state(State(3, 1.5, {"weight": torch.ones(3)}, {}), tmp_path / "state.pt")
    right = (tmp_path / "state.pt").read_bytes()
    contents = [*cut_and_flipped(right, COUNT), b"", b"PK", b"\x80\x04cos\nsystem\n(S'true'\ntR."]
    assert refused_or_read(load_state, tmp_path / "state.pt", contents) > COUNT // 3
    with pytest.raises(ForeignInputError) as caught:
        load_state(tmp_path / "state.pt")
    assert "weights_only" not in str(caught.value) and "remove it to begin anew" in str(caught.value)


def test_the_state_of_another_model_is_refused(tmp_path: Path) -> None:
    save_state(State(3, 1.5, {"strange": torch.ones(3)}, {}), tmp_path / "state.pt")
    objective = Objective(lambda step: {}, lambda model, batch: torch.zeros(()))
    fitting = fitting_of(nn.Linear(2, 2), objective, Plan(5, warmup=0), tmp_path)
    with pytest.raises(ForeignInputError, match="the state of another run"):
        resume(fitting)

"""Records: every reader of a file of ours refuses what is too large, too deep or no record, naming file and field."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import pytest

from headscope.interp.arms.outcome import read_outcome
from headscope.interp.experiments.engine.publishing import results_file
from headscope.interp.families.table import KEPT, read_trials
from headscope.models import zoo
from headscope.models.checkpoints.converters.notes_beside import read_yaml
from headscope.models.checkpoints.steps import End, TrainersEnd
from headscope.models.data.text.corpus import CorpusFacts
from headscope.models.fitting.history import read_history
from headscope.models.fitting.machine import Machine
from headscope.models.io.foreign_input import ForeignInputError
from headscope.models.io.records import read_record
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.run import TextOfRun
from headscope.models.training.shipped import SPEED, TrainingFacts, TrainingSpeed

MOST_SECONDS = 2
MACHINE = {"device": "CPU", "cores": 2, "processes": 1, "threads": 1, "torch": "2.13.0"}
CORPUS = {**dict.fromkeys(CorpusFacts.__dataclass_fields__, 1), "sha256": "0", "python": "3.11"}
RECIPE = {"model": {"model_type": "llama"}, "data": {"source": "stories"}, "steps": 3}


@dataclass(frozen=True)
class Door:
    """A reader, the name of its file, the right content, a field that it needs; is_open: it may say more."""

    name: str
    right: object
    read: Callable[[Path], object]
    field: str
    is_open: bool = False


def of(kind: type, *, is_open: bool = False) -> Callable[[Path], object]:
    return lambda file: read_record(kind, file, others=is_open)


def from_json(file: Path) -> object:
    return json.loads(file.read_text())


DOORS = {
    "end of a run": Door("training.json", {"steps": 9, "more": 1}, of(End, is_open=True), "steps", True),
    "end of a Trainer's": Door(
        "trainer_state.json", {"global_step": 9}, of(TrainersEnd, is_open=True), "global_step", True
    ),
    "text of a run": Door("corpus.json", CORPUS, of(TextOfRun, is_open=True), "sha256", True),
    "kept corpus": Door("corpus.json", CORPUS, of(CorpusFacts), "documents"),
    "machine": Door("machine.json", MACHINE, of(Machine), "cores"),
    "facts of a training": Door(
        "training.json",
        from_json(zoo.HERE / "cog" / "training.json"),
        of(TrainingFacts, is_open=True),
        "validation_loss",
        True,
    ),
    "speed": Door(SPEED, from_json(zoo.HERE / SPEED), of(TrainingSpeed), "rounds"),
    "results": Door("results.json", from_json(results_file("E5")), read_outcome, "numbers_of_size"),
    "history": Door("history.jsonl", {"step": 3, "loss": 7.5}, read_history, "step", True),
    "families": Door("tried.json", from_json(KEPT)[0], read_trials, "family"),  # type: ignore[index]
    "recipe": Door("recipe.json", RECIPE, read_recipe, "steps"),
    "recipe in YAML": Door("recipe.yaml", RECIPE, read_recipe, "steps"),
    "notes beside": Door("model_config.yaml", RECIPE, lambda file: read_yaml(file.parent, file.name), "", True),
}
WITH_FIELDS = [name for name, door in DOORS.items() if door.field]
HOSTILE = {
    "nothing": "",
    "a page": "<!DOCTYPE html><html></html>",
    "no text": "\x00\x01",
    "cut": '{"steps": 3, "mod',
    "too long": '{"a": "' + "a" * (33 * 2**20) + '"}',
    "too deep": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "deep lists": "[" * 100_000,
    "too wide": "[" + "[]," * 500_000 + "0]",
    "a number": "3",
    "a text": '"a"',
    "a long number": '{"a":' + "9" * 10**6 + "}",
}


def put(door: Door, content: str, place: Path) -> Path:
    file = place / door.name
    is_listed = door.read is read_trials and content.startswith("{")
    file.write_text(f"[{content}]" if is_listed else content + "\n")
    return file


def refusal_of(door: Door, content: str, place: Path) -> str:
    """What the reader says of a content; it takes no longer than a moment."""
    file = put(door, content, place)
    began = process_time()
    with pytest.raises((ForeignInputError, ValueError, TypeError)) as refusal:
        door.read(file)
    assert process_time() - began < MOST_SECONDS
    words = str(refusal.value)
    assert "\n" not in words and str(file) in words, words[:300]
    assert len(words) < 1_000
    return words


@pytest.mark.parametrize("door", DOORS)
def test_what_is_right_is_read(door: str, tmp_path: Path) -> None:
    entry = DOORS[door]
    assert entry.read(put(entry, json.dumps(entry.right), tmp_path))


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_hostile_is_one_sentence_that_names_the_file(door: str, case: str, tmp_path: Path) -> None:
    refusal_of(DOORS[door], HOSTILE[case], tmp_path)


@pytest.mark.parametrize("wrong", [None, True, "?", [[]], {"a": {}}, 10**30, -1.5])
@pytest.mark.parametrize("door", WITH_FIELDS)
def test_a_field_of_another_type_is_refused_by_name(door: str, wrong: object, tmp_path: Path) -> None:
    entry = DOORS[door]
    assert isinstance(entry.right, dict)
    own = entry.right[entry.field]
    if (isinstance(wrong, str) and isinstance(own, str)) or (isinstance(own, dict) and isinstance(wrong, dict)):
        return
    if isinstance(own, float) and isinstance(wrong, float):
        return
    assert entry.field in refusal_of(entry, json.dumps({**entry.right, entry.field: wrong}), tmp_path)


@pytest.mark.parametrize("door", WITH_FIELDS)
def test_a_missing_field_is_named(door: str, tmp_path: Path) -> None:
    entry = DOORS[door]
    assert isinstance(entry.right, dict)
    less = {name: value for name, value in entry.right.items() if name != entry.field}
    assert f"'{entry.field}' is missing" in refusal_of(entry, json.dumps(less), tmp_path)


@pytest.mark.parametrize("door", [name for name, door in DOORS.items() if not door.is_open])
def test_an_unknown_field_is_named(door: str, tmp_path: Path) -> None:
    entry = DOORS[door]
    assert isinstance(entry.right, dict)
    assert "'colour'; known: " in refusal_of(entry, json.dumps({**entry.right, "colour": 1}), tmp_path)


@pytest.mark.parametrize("step", [-1, 2**53, 2**63, 1.5, "3"])
@pytest.mark.parametrize("door", ["end of a run", "end of a Trainer's", "history"])
def test_a_step_is_a_number_of_some_training(door: str, step: object, tmp_path: Path) -> None:
    entry = DOORS[door]
    refusal_of(entry, json.dumps({entry.field: step}), tmp_path)

"""Every row of the table of data trains through the command, goes on after a kill, is shipped, and opens again."""

import json
import os
import signal
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from test_app_command import assert_refused, headscope
from test_training_resume import curve, dying
from test_training_ship import zoo_with
from tiny_diffusion import uvit_fields
from tiny_runs import tiny_plain, write_text
from tiny_vits import vit_fields

from headscope.models import zoo
from headscope.models.checkpoints import open_folder
from headscope.models.data.table import DATA
from headscope.models.data.text.sources import Dataset, OnesAndZeros, Stdlib, Stories, TextFiles
from headscope.models.fitting.history import read_history
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe
from headscope.models.training.ship import FORMATS, ship

SMALL = {"vocabulary": 300, "context": 16, "validation_windows": 4}
DATA_FIELDS: dict[str, dict[str, Any]] = {
    "stdlib": SMALL,
    "text": {**SMALL, "path": "text.txt"},
    "dataset": {**SMALL, "name": "rows", "column": "words"},
    "stories": {**SMALL, "texts": 300, "windows": "documents"},
    "ones_and_zeros": {**SMALL, "texts": 300, "longest": 8, "windows": "documents"},
    "delayed_sums": {"laws": [[4, 3], [8, 3]], "length": 12, "measured": 8},
    "denoising": {"length": 16, "measured": 8},
    "neighbours": {"nodes": 16, "degrees": [1, 2, 4], "measured": 8},
    "passkeys": {"length": 16, "measured": 8},
    "digits": {},
    "noisy_digits": {"timesteps": 20},
}
MODELS: dict[str, dict[str, Any]] = {
    "text": tiny_plain(Path())["model"],
    "image": vit_fields(16, 3, 2, patch=4),
    "noisy image": uvit_fields(16, 3, 2, patch=4),
}
every_row = pytest.mark.parametrize("name", DATA)


@dataclass(frozen=True)
class Place:
    """A folder with all that the recipes read."""

    home: Path

    def recipe(self, name: str, **changes: Any) -> dict[str, Any]:
        """Three steps of a tiny model on a row of the table."""
        data = {"source": name, **DATA_FIELDS[name]}
        data |= {field: str(self.home / data[field]) for field in ("path", "name") if field in data}
        own = {"model": MODELS[DATA[name].reads], "data": data, "steps": 3, "batch": 4, "warmup": 1, "snapshots": 1}
        return {**own, "attention": {"variant": "cog"}, "save_every": 2, "measure_every": 2, **changes}

    def file(self, name: str) -> Path:
        """Its recipe as a file."""
        path = self.home / f"{name}.json"
        path.write_text(json.dumps(self.recipe(name)))
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    home = tmp_path_factory.mktemp("home")
    write_text(home)
    (home / "rows").mkdir()
    rows = "".join(json.dumps({"words": f"{at} is the number of this row"}) + "\n" for at in range(200))
    (home / "rows" / "train.jsonl").write_text(rows)
    return Place(home)


@pytest.fixture(autouse=True)
def small_world(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and of the standard library its reference alone."""
    from headscope.models.data.text import sources, stdlib

    monkeypatch.setenv("XDG_CACHE_HOME", str(place.home / "cache"))
    monkeypatch.setattr(sources, "stdlib_documents", stdlib.topic_documents)


@pytest.fixture(scope="module")
def runs(place: Place) -> dict[str, Path]:
    """Where each row is trained, once."""
    return {name: place.home / "runs" / name for name in DATA}


def trained(name: str, place: Place, runs: dict[str, Path]) -> Path:
    if not runs[name].is_dir():
        done = headscope("train", place.file(name), "--out", runs[name])
        assert (done.exit_code, done.exception) == (0, None), done.output
        assert done.stdout.endswith(f"trained: {runs[name]}\n") and "validation" in done.stdout
    return runs[name]


def test_the_cases_are_the_rows_of_the_table() -> None:
    assert [*DATA_FIELDS] == [*DATA]
    kinds = (Stdlib, TextFiles, Dataset, Stories, OnesAndZeros)
    texts = {name: row.fields for name, row in DATA.items() if row.fields in kinds}
    assert [*texts] == ["stdlib", "text", "dataset", "stories", "ones_and_zeros"]


@every_row
def test_a_row_trains_through_the_command_and_opens_again(name: str, place: Place, runs: dict[str, Path]) -> None:
    run = trained(name, place, runs)
    history = read_history(run / "history.jsonl")
    assert [one["step"] for one in history] == [0, 1, 2, 3]
    assert [one["step"] for one in history if "validation_loss" in one] == [0, 2, 3]
    assert open_folder(run).model.config.model_type == MODELS[DATA[name].reads]["model_type"]
    assert list(zoo.snapshots(run)) == [2]
    again = headscope("train", place.file(name), "--out", run)
    assert again.stdout == f"nothing to do: the run in {run} is complete\n"


def train_until_killed(recipe: Recipe, folder: Path) -> None:
    dying("headscope.models.fitting.fit", "append_record", 4)  # after the state of step 2 was saved
    train(recipe, folder)


@every_row
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    name: str, place: Place, runs: dict[str, Path], tmp_path: Path
) -> None:
    whole, recipe = trained(name, place, runs), Recipe.from_plain(place.recipe(name))
    child = get_context("fork").Process(target=train_until_killed, args=(recipe, tmp_path / "run"))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL and not (tmp_path / "run" / "config.json").exists()
    train(recipe, tmp_path / "run")
    assert curve(tmp_path / "run") == curve(whole)
    assert open_folder(tmp_path / "run").fingerprint == open_folder(whole).fingerprint


@every_row
def test_a_run_is_shipped_and_opens_as_the_same_model_in_fewer_bits(
    name: str, place: Place, runs: dict[str, Path], tmp_path: Path
) -> None:
    run = trained(name, place, runs)
    shipped = ship(run, zoo_with(Recipe.from_plain(place.recipe(name)), tmp_path / "zoo", name), name)
    before, after = open_folder(run), open_folder(shipped)
    kept = FORMATS[DATA[name].reads]
    assert after.spec == before.spec and (after.tokenizer is None) == (before.tokenizer is None)
    weights = after.model.state_dict()
    assert all(torch.equal(one.to(kept).float(), weights[key]) for key, one in before.model.state_dict().items())
    facts = json.loads((shipped / "training.json").read_text())
    assert facts["steps"] == 3 and facts["shipped_validation_loss"] == pytest.approx(facts["validation_loss"], abs=0.01)
    assert list(zoo.snapshots(shipped)) == [2]
    private = str(place.home).encode()
    assert [path for path in shipped.rglob("*.json*") if private in path.read_bytes()] == []


@every_row
def test_a_model_that_cannot_read_the_data_is_refused_in_one_line(name: str, place: Place, tmp_path: Path) -> None:
    reads = DATA[name].reads
    other = next(model for kind, model in MODELS.items() if kind != reads)
    (tmp_path / "recipe.json").write_text(json.dumps(place.recipe(name, model=other)))
    refused = headscope("train", tmp_path / "recipe.json", "--out", tmp_path / "run")
    assert_refused(refused, f"and the recipe's data '{name}' is for models of {reads}s: ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if at else []) for at, name in enumerate(DATA)]
)
def test_ctrl_c_loses_no_step(name: str, place: Place, runs: dict[str, Path], tmp_path: Path) -> None:
    def watch(record: dict[str, Any]) -> None:
        if record["step"] == 1:
            os.kill(os.getpid(), signal.SIGINT)

    whole, recipe = trained(name, place, runs), Recipe.from_plain(place.recipe(name))
    with pytest.raises(KeyboardInterrupt, match="stopped after step 1 of 3"):
        train(recipe, tmp_path / "run", watch)
    train(recipe, tmp_path / "run")
    assert curve(tmp_path / "run") == curve(whole)


@pytest.mark.parametrize(("field", "value"), [("vocab_size", 9), ("image_size", 9), ("timesteps", 9)])
def test_what_the_data_decides_is_not_for_the_model_to_say(
    field: str, value: int, place: Place, tmp_path: Path
) -> None:
    name = {"vocab_size": "passkeys", "image_size": "digits", "timesteps": "noisy_digits"}[field]
    recipe = place.recipe(name)
    (tmp_path / "recipe.json").write_text(json.dumps({**recipe, "model": {**recipe["model"], field: value}}))
    refused = headscope("train", tmp_path / "recipe.json", "--out", tmp_path / "run")
    assert_refused(refused, f"the recipe's model sets '{field}', which the tokenizer, the data or the attention table")


@pytest.mark.parametrize(
    ("name", "model", "refusal"),
    [
        ("passkeys", {"max_position_embeddings": 8}, "the data's context is 16; its model has 8 positions"),
        ("digits", {"patch_size": 16}, "'patch_size' 16; images of 8 pixels take 1, 2, 4, 8"),
        ("noisy_digits", {"num_hidden_layers": 4}, "a U-ViT has an odd number of blocks"),
        ("digits", {"hiden_size": 4}, "unknown vit field 'hiden_size'; known: hidden_size"),
        ("digits", {"model_type": "vitt"}, "model family 'vitt' is not supported"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_in_one_line(
    name: str, model: dict[str, Any], refusal: str, place: Place, tmp_path: Path
) -> None:
    recipe = place.recipe(name)
    (tmp_path / "recipe.json").write_text(json.dumps({**recipe, "model": {**recipe["model"], **model}}))
    assert_refused(headscope("train", tmp_path / "recipe.json", "--out", tmp_path / "run"), refusal)

"""Shipping: a finished run becomes a model of the zoo, in 16 bits, with facts and without a trace of the machine."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tiny_runs import tiny_recipe, write_text

from headscope.models import zoo
from headscope.models.checkpoints import open_folder
from headscope.models.fitting.history import read_history
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe
from headscope.models.training.ship import ship

MOST_BYTES = 80 * 10**6
MOST_OF_EXPERIMENTS = 40 * 10**6
MOST_OF_A_MECHANISM = 4 * 10**6


@dataclass(frozen=True)
class Finished:
    run: Path
    zoo: Path
    shipped: Path
    recipe: Recipe


def zoo_with(recipe: Recipe, folder: Path, name: str | None = None) -> Path:
    """An empty zoo where the recipe stands (JSON strings, numbers and tables are YAML, inline tables need TOML's =)."""
    place = folder / (name or recipe.attention["variant"])
    place.mkdir(parents=True)
    toml = [f"{name} = {json.dumps(value)}" for name, value in recipe.to_plain().items() if not isinstance(value, dict)]
    for name, table in recipe.to_plain().items():
        if isinstance(table, dict):
            toml += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    (place / "recipe.toml").write_text("\n".join(toml) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        recipe = tiny_recipe(write_text(home), steps=14, measure_every=7)
        train(recipe, home / "run")
        ours = zoo_with(recipe, home / "zoo")
        return Finished(home / "run", ours, ship(home / "run", ours), recipe)


@pytest.fixture(autouse=True)
def same_cache(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(finished.run.parent / "cache"))


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.run, tmp_path / "run"))


def test_a_shipped_model_is_the_trained_one_within_the_rounding_of_bfloat16(finished: Finished) -> None:
    trained, shipped = open_folder(finished.run), open_folder(finished.shipped)
    ids = torch.arange(1, 17)[None]
    expected = trained.model(ids).logits
    assert trained.fingerprint != shipped.fingerprint
    assert shipped.spec == trained.spec
    torch.testing.assert_close(shipped.model(ids).logits, expected, rtol=0, atol=2**-7 * expected.abs().max().item())


def test_shipped_weights_are_stored_in_16_bits(finished: Finished) -> None:
    assert open_folder(finished.shipped, dtype="auto").model.dtype == torch.bfloat16


def test_a_shipped_tokenizer_reads_as_the_trained_one(finished: Finished) -> None:
    text = "return é 0x1f\n"
    trained, shipped = open_folder(finished.run).tokenizer, open_folder(finished.shipped).tokenizer
    assert trained is not None and shipped is not None
    assert shipped(text)["input_ids"] == trained(text)["input_ids"]


def test_snapshots_go_along(finished: Finished) -> None:
    assert list(zoo.snapshots(finished.shipped)) == list(zoo.snapshots(finished.run)) == [7]
    assert open_folder(finished.shipped / "step-000007", dtype="auto").model.dtype == torch.bfloat16


def test_the_history_keeps_every_tenth_step_and_every_validation(finished: Finished) -> None:
    whole = {record["step"]: record for record in read_history(finished.run / "history.jsonl")}
    assert read_history(finished.shipped / "history.jsonl") == [whole[step] for step in (0, 7, 10, 14)]


def test_the_facts_are_those_of_the_run(finished: Finished) -> None:
    facts = json.loads((finished.shipped / "training.json").read_text())
    last = read_history(finished.run / "history.jsonl")[-1]
    assert facts["parameters"] == sum(one.numel() for one in open_folder(finished.run).model.parameters())
    assert facts["tokens"] == 14 * finished.recipe.batch * finished.recipe.data["context"]
    assert facts["validation_loss"] == last["validation_loss"]
    assert facts["shipped_validation_loss"] == pytest.approx(last["validation_loss"], abs=0.01)
    assert facts["tokens_per_second"] == pytest.approx(facts["tokens"] / last["seconds"], abs=0.1)
    assert facts["machine"]["threads"] == torch.get_num_threads()


def test_nothing_shipped_names_this_machine(finished: Finished) -> None:
    files = [path for path in finished.shipped.rglob("*") if path.is_file() and path.name != "recipe.toml"]
    assert len(files) > 10
    assert [path for path in files if str(finished.run.parent).encode() in path.read_bytes()] == []


def test_shipping_again_forgets_snapshots_of_an_earlier_run(finished: Finished, copy: Path, tmp_path: Path) -> None:
    ours = Path(shutil.copytree(finished.zoo, tmp_path / "zoo"))
    shutil.rmtree(copy / "step-000007")
    assert zoo.snapshots(ship(copy, ours)) == {}


def test_a_run_that_was_cut_off_is_refused(finished: Finished, copy: Path) -> None:
    history = (copy / "history.jsonl").read_text().splitlines(keepends=True)
    (copy / "history.jsonl").write_text("".join(history[:-1]))
    with pytest.raises(ValueError, match=r"it is not finished \(step 13 of 14\)"):
        ship(copy, finished.zoo)


def test_a_run_whose_model_was_not_saved_is_refused(finished: Finished, copy: Path) -> None:
    (copy / "config.json").unlink()
    with pytest.raises(ValueError, match="it is not finished"):
        ship(copy, finished.zoo)


def test_a_folder_without_a_run_is_refused(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="it holds no run"):
        ship(tmp_path, finished.zoo)


def test_a_model_that_is_not_the_one_of_the_history_is_refused(finished: Finished, copy: Path) -> None:
    shutil.copytree(copy / "step-000007", copy, dirs_exist_ok=True)
    with pytest.raises(ValueError, match="its history says"):
        ship(copy, finished.zoo)


def test_a_run_of_another_recipe_is_refused(finished: Finished, tmp_path: Path) -> None:
    other = zoo_with(tiny_recipe(Path(finished.recipe.data["path"]), steps=14, lr=0.5), tmp_path / "zoo")
    with pytest.raises(ValueError, match=r"its recipe has lr = 0.01, .* has 0.5"):
        ship(finished.run, other)


def test_a_run_whose_text_is_gone_is_refused(finished: Finished, copy: Path) -> None:
    facts = json.loads((copy / "corpus.json").read_text())
    (copy / "corpus.json").write_text(json.dumps(facts | {"sha256": "0"}))
    with pytest.raises(ValueError, match="the corpus changed"):
        ship(copy, finished.zoo)


def test_the_zoo_stays_small() -> None:
    sizes = Counter[str]()
    for path in zoo.HERE.rglob("*"):
        if path.is_file():
            sizes[path.relative_to(zoo.HERE).parts[0]] += path.stat().st_size
    more = sum(sizes[name] for name in (*zoo.STORIES, *zoo.VISION, *zoo.DIFFUSION))
    field = {name: sizes[name] for name in zoo.FIELD}
    assert sum(sizes.values()) - more - sum(field.values()) <= MOST_BYTES and more <= MOST_OF_EXPERIMENTS
    assert max(field.values()) <= MOST_OF_A_MECHANISM

"""Ship a finished run: its model, snapshots, history and measured facts, small enough for a repository."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from accelerate import Accelerator

from headscope.models import zoo
from headscope.models.checkpoints import OpenedModel, open_folder, save
from headscope.models.data.text.corpus import Corpus, prepare_corpus
from headscope.models.data.text.loss import validation_loss
from headscope.models.fitting.history import Record, read_history, write_history
from headscope.models.io.json_file import read_json_object, write_json
from headscope.models.training.recipe import Recipe, read_recipe
from headscope.models.training.run import refuse_other_corpus

FORMAT = torch.bfloat16
KEPT_STEPS = 10
ROUNDING = 0.01  # nats per token that 16-bit weights may cost


@dataclass(frozen=True)
class FinishedRun:
    """What a run left in its folder; `measured` is the last line of its history."""

    folder: Path
    recipe: Recipe
    history: list[Record]
    measured: Record
    opened: OpenedModel


def ship(run: Path, zoo_folder: Path, name: str | None = None) -> Path:
    """Pack the finished run in folder `run` as a model of a zoo, by default that of its variant; gives its folder.

    Weights become bfloat16, the history keeps every tenth step and every validation, all snapshots go along.
    Raises ValueError for a run that is not finished, was made from another recipe than the one in the zoo or from
    text that is gone, or whose weights do not have the loss (nats per token) that its history says.
    """
    finished = finished_run(run)
    place = zoo_folder / (name or finished.opened.spec.variant)
    refuse_recipe_unlike_the_zoo(finished, place)
    corpus = prepare_corpus(finished.recipe.text)
    refuse_other_corpus(corpus, run)
    facts = training_facts(finished, shipped_loss(finished, corpus))
    ship_snapshots(run, place)
    write_history(place / "history.jsonl", thin(finished.history))
    write_json(place / "corpus.json", corpus.facts)
    write_json(place / "training.json", facts)
    return save(finished.opened.model, place, tokenizer=finished.opened.tokenizer, dtype=FORMAT)


def finished_run(folder: Path) -> FinishedRun:
    """The run in a folder, refused unless it went to its last step and left its model."""
    if not (folder / "recipe.json").is_file():
        raise FileNotFoundError(f"cannot ship {folder}: it holds no run")
    recipe, history = read_recipe(folder / "recipe.json"), read_history(folder / "history.jsonl")
    step = history[-1]["step"] if history else 0
    for name in ("config.json", "machine.json"):
        if step < recipe.steps or not (folder / name).is_file():
            raise ValueError(
                f"cannot ship {folder}: it is not finished (step {step} of {recipe.steps}); "
                "run `headscope train` again with its recipe, it goes on"
            )
    return FinishedRun(folder, recipe, history, history[-1], open_folder(folder))


def refuse_recipe_unlike_the_zoo(finished: FinishedRun, place: Path) -> None:
    """Refuse a run that the recipe beside the shipped model would not repeat."""
    there, here = read_recipe(place / "recipe.toml").to_plain(), finished.recipe.to_plain()
    for name in there:
        if there[name] != here[name]:
            raise ValueError(
                f"cannot ship {finished.folder}: its recipe has {name} = {here[name]!r}, "
                f"{place / 'recipe.toml'} has {there[name]!r}; train the recipe of the zoo"
            )


def shipped_loss(finished: FinishedRun, corpus: Corpus) -> float:
    """The validation loss of the 16-bit weights, refused where it is not that of the run."""
    with TemporaryDirectory() as scratch:
        rounded = open_folder(save(finished.opened.model, Path(scratch) / "model", dtype=FORMAT))
    loss = validation_loss(Accelerator(cpu=True), rounded.model, corpus, finished.recipe.text)
    trained = finished.measured["validation_loss"]
    if abs(loss - trained) > ROUNDING:
        raise ValueError(
            f"cannot ship {finished.folder}: its model has a validation loss of {loss:.4f} in {FORMAT}, "
            f"its history says {trained:.4f}; run `headscope train` again with its recipe"
        )
    return loss


def training_facts(finished: FinishedRun, loss: float) -> dict[str, Any]:
    """What was measured of a run; losses in nats per token, `validation_loss` of the float32 weights."""
    measured = finished.measured
    return {
        "parameters": finished.opened.model.num_parameters(),
        "steps": measured["step"],
        "tokens": measured["tokens"],
        "validation_loss": measured["validation_loss"],
        "shipped_validation_loss": round(loss, 6),
        "shipped_format": str(FORMAT).removeprefix("torch."),
        "seconds": measured["seconds"],
        "tokens_per_second": round(measured["tokens"] / measured["seconds"], 1),
        "precision": finished.recipe.precision,
        "machine": read_json_object(finished.folder / "machine.json"),
        "history": f"every {KEPT_STEPS}th step and every validation",
    }


def ship_snapshots(run: Path, place: Path) -> None:
    """The run's snapshots in 16 bits, in the place of all that were there."""
    of_run = zoo.snapshots(run)
    for step, folder in zoo.snapshots(place).items():
        if step not in of_run:
            shutil.rmtree(folder)
    for folder in of_run.values():
        snapshot = open_folder(folder)
        save(snapshot.model, place / folder.name, tokenizer=snapshot.tokenizer, dtype=FORMAT)


def thin(history: list[Record]) -> list[Record]:
    """Every tenth step and every validation."""
    return [record for record in history if record["step"] % KEPT_STEPS == 0 or "validation_loss" in record]

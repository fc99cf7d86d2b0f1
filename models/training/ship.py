"""Ship a finished run: its model, snapshots, history and measured facts, small enough for a repository."""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from headscope.models import zoo
from headscope.models.checkpoints import OpenedModel, open_folder, save
from headscope.models.data.material import Material
from headscope.models.data.table import material_of
from headscope.models.fitting.fit import accelerator_of
from headscope.models.fitting.history import Record, read_history, write_history
from headscope.models.fitting.machine import Machine
from headscope.models.hosts.families import modality_of
from headscope.models.hosts.modality import Reads
from headscope.models.io.fields import Fields
from headscope.models.io.json_file import write_json
from headscope.models.io.records import read_record
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.run import FACTS, MACHINE, RECIPE, refuse_other_text

# By what a model reads, the number format of its shipped weights.
FORMATS: dict[Reads, torch.dtype] = {"text": torch.bfloat16, "image": torch.float32, "noisy image": torch.float16}
KEPT_STEPS = 10
ROUNDING = 0.01  # of a loss that 16-bit weights may cost


@dataclass(frozen=True)
class FinishedRun:
    """What a run left in its folder; `measured` is the last line of its history."""

    folder: Path
    recipe: Recipe
    history: list[Record]
    measured: Record
    opened: OpenedModel

    @property
    def format(self) -> torch.dtype:
        """The number format that its weights are shipped in."""
        return FORMATS[modality_of(self.opened.model).reads]


def ship(run: Path, zoo_folder: Path, name: str | None = None) -> Path:
    """Pack the finished run in folder `run` as a model of a zoo, by default that of its variant; gives its folder.

    Weights become those of FORMATS, the history keeps every tenth step and every validation, all snapshots go along.
    Raises ValueError for a run that is not finished, was made from another recipe than the one in the zoo or from
    text that is gone, or whose weights do not have the loss that its history says.
    """
    finished = finished_run(run)
    place = zoo_folder / (name or finished.opened.spec.variant)
    refuse_recipe_unlike_the_zoo(finished, place)
    material = material_of(finished.recipe.data, finished.recipe.batch, finished.recipe.seed)
    refuse_other_text(material.facts, run)
    facts = training_facts(finished, material, shipped_loss(finished, material))
    ship_snapshots(finished, place)
    write_history(place / "history.jsonl", thin(finished.history))
    if material.facts:
        write_json(place / FACTS, material.facts)
    write_json(place / "training.json", facts)
    return save(finished.opened.model, place, tokenizer=finished.opened.tokenizer, dtype=finished.format)


def finished_run(folder: Path) -> FinishedRun:
    """The run in a folder, refused unless it went to its last step and left its model."""
    if not (folder / RECIPE).is_file():
        raise FileNotFoundError(f"cannot ship {folder}: it holds no run")
    recipe, history = read_recipe(folder / RECIPE), read_history(folder / "history.jsonl")
    step = history[-1]["step"] if history else 0
    for name in ("config.json", MACHINE):
        if step < recipe.steps or not (folder / name).is_file():
            raise ValueError(
                f"cannot ship {folder}: it is not finished (step {step} of {recipe.steps}); "
                "run `headscope train` again with its recipe, it goes on"
            )
    return FinishedRun(folder, recipe, history, history[-1], open_folder(folder))


def refuse_recipe_unlike_the_zoo(finished: FinishedRun, place: Path) -> None:
    """Refuse a run that the recipe beside the shipped model would not repeat."""
    there, here = full_fields(read_recipe(place / "recipe.toml")), full_fields(finished.recipe)
    for name in there:
        if there[name] != here[name]:
            raise ValueError(
                f"cannot ship {finished.folder}: its recipe has {name} = {here[name]!r}, "
                f"{place / 'recipe.toml'} has {there[name]!r}; train the recipe of the zoo"
            )


def full_fields(recipe: Recipe) -> Fields:
    """A recipe as plain values, its attention with every default."""
    return recipe.to_plain() | {"attention": recipe.spec.to_json()}


def shipped_loss(finished: FinishedRun, material: Material) -> float:
    """The validation loss of the shipped weights, refused where it is not that of the run."""
    with TemporaryDirectory() as scratch:
        rounded = open_folder(save(finished.opened.model, Path(scratch) / "model", dtype=finished.format))
    loss = material.objective.measure(accelerator_of("float32", on_cpu=True), rounded.model)["validation_loss"]
    trained = finished.measured["validation_loss"]
    if abs(loss - trained) > ROUNDING:
        raise ValueError(
            f"cannot ship {finished.folder}: its model has a validation loss of {loss:.4f} in {finished.format}, "
            f"its history says {trained:.4f}; run `headscope train` again with its recipe"
        )
    return loss


def training_facts(finished: FinishedRun, material: Material, loss: float) -> Fields:
    """What was measured of a run; `validation_loss` is that of the float32 weights."""
    measured, unit = finished.measured, material.objective.unit
    return {
        "parameters": finished.opened.model.num_parameters(),
        "steps": measured["step"],
        unit: measured[unit],
        "validation_loss": measured["validation_loss"],
        "shipped_validation_loss": round(loss, 6),
        "shipped_format": str(finished.format).removeprefix("torch."),
        "seconds": measured["seconds"],
        f"{unit}_per_second": round(measured[unit] / max(measured["seconds"], 0.01), 1),
        "precision": finished.recipe.precision,
        "machine": asdict(read_record(Machine, finished.folder / MACHINE)),
        "history": f"every {KEPT_STEPS}th step and every validation",
    }


def ship_snapshots(finished: FinishedRun, place: Path) -> None:
    """The run's snapshots in the format of its model, in the place of all that were there."""
    of_run = zoo.snapshots(finished.folder)
    for step, folder in zoo.snapshots(place).items():
        if step not in of_run:
            shutil.rmtree(folder)
    for folder in of_run.values():
        snapshot = open_folder(folder)
        save(snapshot.model, place / folder.name, tokenizer=snapshot.tokenizer, dtype=finished.format)


def thin(history: list[Record]) -> list[Record]:
    """Every tenth step and every validation."""
    return [record for record in history if record["step"] % KEPT_STEPS == 0 or "validation_loss" in record]

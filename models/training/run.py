"""A run: a recipe under way in its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headscope.models.data.material import Material
from headscope.models.fitting.fit import Fitting, accelerator_of, fitting_of
from headscope.models.fitting.machine import machine_facts
from headscope.models.fitting.objective import Measure, measure_nothing, share
from headscope.models.fitting.sole import LOCK
from headscope.models.io.json_file import write_json
from headscope.models.io.records import read_record
from headscope.models.training.beginning import untrained_beginning
from headscope.models.training.recipe import START, Recipe, refuse_other_recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.start import started_beginning

FACTS, MACHINE, RECIPE = "corpus.json", "machine.json", "recipe.json"
FIRST_FILES = {LOCK, FACTS, MACHINE, RECIPE}  # in the order they come: the last makes it a run


@dataclass(frozen=True)
class TextOfRun:
    """Which text a run reads, as its corpus.json says: its hash, and the Python that it was taken from."""

    sha256: str
    python: str


@dataclass(frozen=True)
class Run:
    """A recipe, what its model is trained on, and the training of its model."""

    recipe: Recipe
    material: Material
    fitting: Fitting

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        return self.fitting.folder


def open_run(recipe: Recipe, folder: Path, more: Measure = measure_nothing) -> Run:
    """A new run in an empty folder, or the one that began there under the same recipe and the same text.

    more: what is measured besides what the data measures.
    """
    accelerator = accelerator_of(recipe.precision)
    share(recipe.batch, accelerator.num_processes)
    with accelerator.local_main_process_first():
        beginning = (started_beginning if START in recipe.model else untrained_beginning)(recipe)
    refuse_other_run(beginning.recipe, beginning.material.facts, folder)
    objective = beginning.material.objective.measuring(more)
    fitting = fitting_of(beginning.model(), objective, recipe.plan, folder, accelerator)
    return Run(beginning.recipe, beginning.material, fitting)


def sign(run: Run) -> None:
    """Write what the run is made of and where it runs into its folder, which from then on holds this run."""
    if run.material.facts:
        write_json(run.folder / FACTS, run.material.facts)
    write_json(run.folder / MACHINE, machine_facts(run.fitting.accelerator.num_processes))
    write_json(run.folder / RECIPE, run.recipe.to_plain())


def refuse_other_run(recipe: Recipe, facts: Mapping[str, object], folder: Path) -> None:
    """Refuse a folder with other files, and one whose run has another recipe or another text."""
    begun = folder / RECIPE
    if not begun.exists():
        names = {entry.name.removesuffix(".partial") for entry in folder.iterdir()} if folder.exists() else set()
        if names - FIRST_FILES:
            raise ValueError(f"{folder} is not empty and holds no run; train into another folder")
        return
    refuse_other_recipe(read_recipe(begun), recipe)
    refuse_other_text(facts, folder)


def refuse_other_text(facts: Mapping[str, object], folder: Path) -> None:
    """Refuse a text that is not the one of the run in the folder."""
    if not facts:
        return
    before = read_record(TextOfRun, folder / FACTS, others=True)
    if before.sha256 != facts["sha256"]:
        raise ValueError(
            f"the corpus changed since this run began (Python {before.python} then, {facts['python']} now); "
            "go on with the old text or train into another folder"
        )

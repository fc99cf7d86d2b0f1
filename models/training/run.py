"""A run: a recipe under way in its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from headscope.models.data.material import Material
from headscope.models.data.table import material_of, row_of
from headscope.models.fitting.fit import Fitting, accelerator_of, fitting_of
from headscope.models.fitting.machine import machine_facts
from headscope.models.fitting.objective import Measure, measure_nothing, share
from headscope.models.fitting.sole import LOCK
from headscope.models.hosts.families import FAMILIES
from headscope.models.hosts.modality import MODALITIES
from headscope.models.hosts.untrained import refuse_huge, untrained_config, untrained_family, untrained_model
from headscope.models.io.json_file import read_json_object, write_json
from headscope.models.training.recipe import Recipe, refuse_other_recipe
from headscope.models.training.recipe_file import read_recipe

FACTS, MACHINE, RECIPE = "corpus.json", "machine.json", "recipe.json"
FIRST_FILES = {LOCK, FACTS, MACHINE, RECIPE}  # in the order they come: the last makes it a run


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
    refuse_unread(recipe)
    accelerator = accelerator_of(recipe.precision)
    share(recipe.batch, accelerator.num_processes)
    with accelerator.local_main_process_first():
        material = material_of(recipe.data, recipe.batch, recipe.seed)
    refuse_other_run(recipe, material.facts, folder)
    objective = material.objective.measuring(more)
    return Run(recipe, material, fitting_of(fresh_model(recipe, material), objective, recipe.plan, folder, accelerator))


def refuse_unread(recipe: Recipe) -> None:
    """Refuse a model that cannot read the data."""
    wanted, model = MODALITIES[row_of(recipe.data).reads], untrained_family(recipe.model).modality
    if not model.reads_as(wanted):
        families = ", ".join(name for name, family in FAMILIES.items() if family.modality.reads_as(wanted))
        raise ValueError(
            f"a model of type {recipe.model['model_type']!r} reads {model.reads}s, and the recipe's data "
            f"{recipe.data['source']!r} is for models of {wanted.reads}s: {families}"
        )


def fresh_model(recipe: Recipe, material: Material) -> PreTrainedModel:
    """The model before its first step.

    ValueError where it has too few positions for what it is shown, and where its answers are not those asked for.
    """
    config = untrained_config(recipe.model, material.decides)
    if not getattr(config, "continues_texts", True):
        raise ValueError(
            f"the recipe's data {recipe.data['source']!r} asks for tokens from those before them; its model is "
            "bidirectional or of answers that are no tokens: leave out 'is_causal' and 'output_vocab_size'"
        )
    if material.context > (positions := untrained_family(recipe.model).modality.context(config)):
        raise ValueError(f"the data's context is {material.context}; its model has {positions} positions")
    refuse_huge(config)
    return untrained_model(config, recipe.spec, recipe.seed)


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
    before = read_json_object(folder / FACTS, "sha256", "python")
    if before["sha256"] != facts["sha256"]:
        raise ValueError(
            f"the corpus changed since this run began (Python {before['python']} then, {facts['python']} now); "
            "go on with the old text or train into another folder"
        )

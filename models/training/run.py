"""A run: the recipe of a language model under way in its folder."""

from dataclasses import dataclass
from pathlib import Path

from headscope.models.data.text.corpus import Corpus, prepare_corpus
from headscope.models.data.text.loss import next_token_objective
from headscope.models.fitting.fit import Fitting, accelerator_of, fitting_of
from headscope.models.fitting.machine import machine_facts
from headscope.models.fitting.objective import share
from headscope.models.fitting.sole import LOCK
from headscope.models.io.json_file import read_json_object, write_json
from headscope.models.training.recipe import Recipe, read_recipe, refuse_other_recipe
from headscope.models.training.untrained import untrained_model

FIRST_FILES = {LOCK, "corpus.json", "machine.json", "recipe.json"}  # in the order they come: the last makes it a run


@dataclass(frozen=True)
class Run:
    """A recipe, its text, and the training of its model."""

    recipe: Recipe
    corpus: Corpus
    fitting: Fitting

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        return self.fitting.folder


def open_run(recipe: Recipe, folder: Path) -> Run:
    """A new run in an empty folder, or the one that began there under the same recipe and the same text."""
    accelerator = accelerator_of(recipe.precision)
    share(recipe.batch, accelerator.num_processes)
    with accelerator.local_main_process_first():
        corpus = prepare_corpus(recipe.text)
    refuse_other_run(recipe, corpus, folder)
    model = untrained_model(recipe, corpus.tokenizer)
    objective = next_token_objective(corpus, recipe.text)
    return Run(recipe, corpus, fitting_of(model, objective, recipe.plan, folder, accelerator))


def sign(run: Run) -> None:
    """Write what the run is made of and where it runs into its folder, which from then on holds this run."""
    write_json(run.folder / "corpus.json", run.corpus.facts)
    write_json(run.folder / "machine.json", machine_facts(run.fitting.accelerator.num_processes))
    write_json(run.folder / "recipe.json", run.recipe.to_plain())


def refuse_other_run(recipe: Recipe, corpus: Corpus, folder: Path) -> None:
    """Refuse a folder with other files, and one whose run has another recipe or another text."""
    begun = folder / "recipe.json"
    if not begun.exists():
        names = {entry.name.removesuffix(".partial") for entry in folder.iterdir()} if folder.exists() else set()
        if names - FIRST_FILES:
            raise ValueError(f"{folder} is not empty and holds no run; train into another folder")
        return
    refuse_other_recipe(read_recipe(begun), recipe)
    refuse_other_corpus(corpus, folder)


def refuse_other_corpus(corpus: Corpus, folder: Path) -> None:
    """Refuse a text that is not the one of the run in the folder."""
    before = read_json_object(folder / "corpus.json", "sha256", "python")
    if before["sha256"] != corpus.facts["sha256"]:
        raise ValueError(
            f"the corpus changed since this run began (Python {before['python']} then, {corpus.facts['python']} now); "
            "go on with the old text or train into another folder"
        )

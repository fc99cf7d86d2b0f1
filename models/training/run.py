"""A run: a recipe under way in its folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer

from models.training.batches import share
from models.training.corpus import Corpus, prepare_corpus
from models.training.history import cut_history
from models.training.json_file import write_json
from models.training.machine import machine_facts
from models.training.optimizer import adamw
from models.training.recipe import Recipe, read_recipe, refuse_other_recipe
from models.training.sole import LOCK
from models.training.state import State, load_state, save_state
from models.training.untrained import untrained_model

FIRST_FILES = {LOCK, "corpus.json", "machine.json", "recipe.json"}  # in the order they come: the last makes it a run
MIXED_PRECISION = {"float32": "no", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Run:
    """All that a step needs; model and optimizer are accelerate's."""

    recipe: Recipe
    folder: Path
    accelerator: Accelerator
    corpus: Corpus
    model: nn.Module
    optimizer: Optimizer

    @property
    def history(self) -> Path:
        return self.folder / "history.jsonl"


def open_run(recipe: Recipe, folder: Path) -> Run:
    """A new run in an empty folder, or the one that began there under the same recipe and the same text."""
    # Without cpu=True accelerate starts several processes on a CPU as strangers, each with the whole batch.
    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(), mixed_precision=MIXED_PRECISION[recipe.precision]
    )
    share(recipe.batch, accelerator.num_processes)
    with accelerator.local_main_process_first():
        corpus = prepare_corpus(recipe)
    _refuse_other_run(recipe, corpus, folder)
    model = untrained_model(recipe, corpus.tokenizer)
    model, optimizer = accelerator.prepare(model, adamw(model, recipe))
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
    return Run(recipe, folder, accelerator, corpus, model, optimizer)


def sign(run: Run) -> None:
    """Write what the run is made of and where it runs into its folder, which from then on holds this run."""
    write_json(run.folder / "corpus.json", run.corpus.facts)
    write_json(run.folder / "machine.json", machine_facts(run.accelerator.num_processes))
    write_json(run.folder / "recipe.json", run.recipe.to_plain())


def resume(run: Run) -> tuple[int, float]:
    """Put the saved state into the run; the finished steps and the seconds they took, or zeros for a new run."""
    path = run.folder / "state.pt"
    step, seconds = 0, 0.0
    if path.exists():
        state = load_state(path)
        run.accelerator.unwrap_model(run.model).load_state_dict(state.model)
        run.optimizer.load_state_dict(state.optimizer)
        step, seconds = state.step, state.seconds
    if run.accelerator.is_main_process:
        cut_history(run.history, step or -1)  # step 0 is measured again
    return step, seconds


def save_run(run: Run, step: int, seconds: float) -> None:
    """Save the state after `step` steps."""
    weights = run.accelerator.unwrap_model(run.model).state_dict()
    save_state(State(step, seconds, weights, run.optimizer.state_dict()), run.folder / "state.pt")


def _refuse_other_run(recipe: Recipe, corpus: Corpus, folder: Path) -> None:
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
    before = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    if before["sha256"] != corpus.facts["sha256"]:
        raise ValueError(
            f"the corpus changed since this run began (Python {before['python']} then, {corpus.facts['python']} now); "
            "go on with the old text or train into another folder"
        )

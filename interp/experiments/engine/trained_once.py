"""A model of an experiment: trained once under its recipe, and taken as it is the next time."""

from pathlib import Path

from filelock import FileLock

from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Measure, measure_nothing
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe

TRAINED = "trained"  # the folder of a model that is a trial's own


def trained_once(
    recipe: Recipe, folder: Path, watch: Watch, name: str = "", *, more: Measure = measure_nothing
) -> Path:
    """The folder with the trained model. ValueError where it holds a run of another recipe.

    Who asks for a model that another process trains waits for it. name: what is shown to be trained, by default the
    folder's. more: what is measured besides what the data measures.
    """

    def show(record: Record) -> None:
        watch(f"training {name or folder.name}", record["step"], recipe.steps)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not is_trained(recipe, folder):
            train(recipe, folder, show, more=more)
    return folder


def is_trained(recipe: Recipe, folder: Path) -> bool:
    """Whether the folder holds the recipe's finished model."""
    if not (folder / "model.safetensors").is_file():
        return False
    return read_recipe(folder / "recipe.json").to_plain() == recipe.to_plain()


def widths(d_model: int, layers: int, heads: int) -> dict[str, int]:
    """The shape of a Llama as its config names it; its MLP is 8/3 as wide as d_model."""
    return {
        "hidden_size": d_model,
        "intermediate_size": 8 * round(d_model / 3),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
    }

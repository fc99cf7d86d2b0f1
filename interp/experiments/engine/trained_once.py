"""A language model of an experiment: trained once under its recipe, and taken as it is the next time."""

from pathlib import Path

from filelock import FileLock

from headscope.interp.experiments.engine.experiment import Watch
from headscope.models.fitting.history import Record
from headscope.models.training.loop import train
from headscope.models.training.recipe import Recipe, read_recipe


def trained_once(recipe: Recipe, folder: Path, watch: Watch) -> Path:
    """The folder with the trained model. ValueError where it holds a run of another recipe.

    Who asks for a model that another process trains waits for it.
    """

    def show(record: Record) -> None:
        watch(f"training {folder.name}", record["step"], recipe.steps)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not is_trained(recipe, folder):
            train(recipe, folder, show)
    return folder


def is_trained(recipe: Recipe, folder: Path) -> bool:
    """Whether the folder holds the recipe's finished model."""
    return (folder / "model.safetensors").is_file() and read_recipe(folder / "recipe.json") == recipe


def widths(d_model: int, layers: int, heads: int) -> dict[str, int]:
    """The shape of a Llama as its config names it; its MLP is 8/3 as wide as d_model."""
    return {
        "hidden_size": d_model,
        "intermediate_size": 8 * round(d_model / 3),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
    }

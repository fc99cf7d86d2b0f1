"""Training a diffusion model from its recipe to the end; a run that was stopped goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headscope.models.checkpoints import save
from headscope.models.data.images.denoising import denoising_objective
from headscope.models.data.images.digits import digits
from headscope.models.fitting.fit import fit, fitting_of, unwatched
from headscope.models.fitting.history import Record
from headscope.models.fitting.sole import sole_training
from headscope.models.io.json_file import write_json
from headscope.models.training.diffusion_recipe import DiffusionRecipe, read_recipe
from headscope.models.untrained.uvit import untrained_uvit

RECIPE = "recipe.json"


def train(recipe: DiffusionRecipe, folder: Path, watch: Callable[[Record], None] = unwatched) -> Path:
    """The folder of the trained model, with history.jsonl beside it. ValueError for a folder of another recipe."""
    if (folder / "model.safetensors").is_file() and read_recipe(folder / RECIPE) == recipe:
        return folder
    refuse_other(recipe, folder)
    shape = {"d_model": recipe.d_model, "layers": recipe.layers, "heads": recipe.heads, "seed": recipe.seed}
    model = untrained_uvit(recipe.spec, **shape)
    objective = denoising_objective(digits(), timesteps=model.config.timesteps, batch=recipe.batch, seed=recipe.seed)
    fitting = fitting_of(model, objective, recipe.plan, folder)
    main = fitting.accelerator.is_main_process
    with sole_training(folder, main=main):
        if main:
            write_json(folder / RECIPE, recipe.to_plain())
        trained: Any = fit(fitting, watch)
        if main:
            save(trained, folder)
    return folder


def refuse_other(recipe: DiffusionRecipe, folder: Path) -> None:
    """Raise ValueError where the folder holds a run of another recipe."""
    if (folder / RECIPE).is_file() and (begun := read_recipe(folder / RECIPE)) != recipe:
        raise ValueError(f"{folder} holds a run of {begun}; train into another folder, or remove it")

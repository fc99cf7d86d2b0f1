"""Ship a trained diffusion model: weights in 16 bits, recipe and facts, small enough for a repository."""

from pathlib import Path
from typing import Any

import torch

from headscope.models.checkpoints import open_folder, save
from headscope.models.fitting.history import read_history
from headscope.models.fitting.machine import machine_facts
from headscope.models.io.json_file import write_json
from headscope.models.training.diffusion_recipe import read_recipe
from headscope.models.training.diffusion_train import RECIPE

FORMAT = torch.float16


def ship(run: Path, place: Path) -> Path:
    """Pack the finished run of a folder into another one. ValueError for a run that is not finished."""
    recipe, history = read_recipe(run / RECIPE), read_history(run / "history.jsonl")
    if not history or history[-1]["step"] < recipe.steps or not (run / "model.safetensors").is_file():
        raise ValueError(f"cannot ship {run}: it is not finished; train it again with its recipe, it goes on")
    model: Any = open_folder(run).model
    save(model, place, dtype=FORMAT)
    write_json(place / RECIPE, recipe.to_plain())
    write_json(place / "training.json", facts(history[-1], model))
    return place


def facts(measured: dict[str, Any], model: Any) -> dict[str, Any]:
    """What was measured in the end, how large the model is, and the machine."""
    kept = {name: measured[name] for name in ("step", "images", "validation_loss", "seconds")}
    return kept | {"parameters": model.num_parameters(), "machine": machine_facts()}

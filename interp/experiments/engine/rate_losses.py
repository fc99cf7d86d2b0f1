"""Rate losses: what a recipe ends at under each of a few rates, on a seed that no trial has; trained once and kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from headscope.interp.arms.trial import Numbers
from headscope.interp.experiments.engine.adam_training import OTHER_SEEDS, best_rate
from headscope.models.io.fields import Fields
from headscope.models.io.json_file import write_json
from headscope.models.io.records import read_record
from headscope.models.training.recipe import Recipe

CHOICE_HALF, CLAIM_HALF = 0, 1  # of what is held out: by the first rates are chosen, by the second claims are judged
LossOf = Callable[[Recipe, Path], float]  # of a recipe that is trained in a folder
RateLosses = Mapping[float, float]  # rate -> loss, infinite where the training diverged


@dataclass(frozen=True)
class KeptLoss:
    """What is kept of a training: its recipe, and the loss that it ended at; None where it diverged."""

    recipe: Fields
    loss: float | None


def rate_losses(recipe: Recipe, rates: Sequence[float], folder: Path, loss_of: LossOf) -> RateLosses:
    """The loss of the recipe at every rate, trained on the other seed in the folder, or as it is kept there.

    ValueError for a folder whose losses are of another recipe.
    """
    other = replace(recipe, seed=OTHER_SEEDS)
    return {rate: kept_loss(replace(other, lr=rate), folder / f"{rate:g}", loss_of) for rate in rates}


def kept_loss(recipe: Recipe, folder: Path, loss_of: LossOf) -> float:
    """The loss beside the folder, trained first where it is not there; who asks while another process trains waits."""
    path = folder.with_name(f"{folder.name}.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if not path.is_file():
            write_json(path, asdict(KeptLoss(recipe.to_plain(), finite_loss(recipe, folder, loss_of))))
        kept = read_record(KeptLoss, path)
    if kept.recipe != recipe.to_plain():
        raise ValueError(f"{path} holds the loss of another recipe: give another folder, or remove {folder.parent}")
    return np.inf if kept.loss is None else kept.loss


def finite_loss(recipe: Recipe, folder: Path, loss_of: LossOf) -> float | None:
    """The loss, or None where it is not finite or the training diverged, as it would again."""
    try:
        loss = loss_of(recipe, folder)
    except FloatingPointError:
        return None
    return loss if np.isfinite(loss) else None


def rate_numbers(losses: RateLosses) -> Numbers:
    """What a trial keeps of the choice of its rate. FloatingPointError where every rate diverged."""
    return {"rate": best_rate(losses), "rates": list(losses), "rate_losses": list(losses.values())}

"""A hooked model from a shipped model's name or a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from headscope.models import zoo
from headscope.models.checkpoints.any_model import open_model
from headscope.models.checkpoints.converters.facts import Given
from headscope.models.checkpoints.files.hub_cache import hub_snapshot_folder, short_name
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.weights import Format
from headscope.models.checkpoints.steps import at_step
from headscope.models.io.hub import place_fetched, place_named
from headscope.models.io.near_names import known_names

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def load(
    name_or_path: str | Path,
    device: str | torch.device | None = None,
    dtype: Format = None,
    *,
    step: int | None = None,
    given: Given | None = None,
    hub: bool = False,
) -> "TransformerBridge":
    """The shipped model of that name, or the model in that folder or file, with transformer-lens's hooks.

    A name of the hub, owner/model, is opened from what the hub's cache holds; hub=True fetches it there first (config,
    tokenizer and weights, no code), and nothing else here ever asks the network.

    step: the model as it was after so many steps of its training, where the folder is a run with snapshots.
    given: what a file in the layout of others' code does not say, by name, as {"n_heads": 8}; cfg.opened_as says what
    it was taken for and what was assumed. dtype as in open_folder. Raises CheckpointError for what holds no model that
    is known, and names the facts that are missing; ForeignInputError for a name of the hub that is not here.
    """
    place = place_of(name_or_path, hub=hub)
    place = place if step is None else at_step(place, step)
    opened = open_model(place, device, dtype, given)
    from headscope.models.hooked import (
        hooked,  # transformer-lens takes seconds to import, and a bad folder should not wait
    )

    model = hooked(opened.model, opened.tokenizer)
    model.cfg.model_name = short_name(place)
    model.cfg.opened_as = opened.opened_as  # type: ignore[attr-defined]
    model.cfg.not_finite = opened.not_finite  # type: ignore[attr-defined]
    return model


def place_of(name_or_path: str | Path, *, hub: bool = False) -> Path:
    """The folder that is meant; shipped models come first, then paths, then names of the hub."""
    if not isinstance(name_or_path, str | Path):
        raise CheckpointError(
            f"load takes the name of a shipped model, a folder or a file, got a {type(name_or_path).__name__}: "
            "hook a model in memory with headscope.hooked, or save it first"
        )
    if name_or_path in (*zoo.names(), *zoo.diffusion_names()):
        return zoo.folder(str(name_or_path))
    path = place_fetched(name_or_path) if hub else place_named(name_or_path)
    if not path.exists():
        shipped = known_names(name_or_path, (*zoo.names(), *zoo.diffusion_names()))
        raise CheckpointError(
            f"cannot load {str(name_or_path)!r}: no such folder or file, and shipped models are {shipped}; a model of "
            "the hub is called owner/model"
        )
    return hub_snapshot_folder(path)

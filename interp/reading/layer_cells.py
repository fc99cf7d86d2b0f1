"""Layer cells: scores and patterns of one layer at a time while a prompt runs, so that no two are held at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from headscope.interp.reading.activations import (
    BY_CELL,
    GATE,
    SCORES,
    Activations,
    hook_names,
    hooks_behind,
    own_copy,
    prompt_slice,
    visible_of,
)
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import batch_of, last_logits_alone

LAYER_END = "hook_resid_post"  # where nothing of the layer's attention is under way any more


def cell_hooks(names: Sequence[str]) -> list[str]:
    """Those of the hooks behind these names that have a number for every query and key."""
    return [name for name in hooks_behind(names) if name in BY_CELL]


def row_hooks(names: Sequence[str]) -> list[str]:
    """The hooks behind these names without those by query and key."""
    return [name for name in hooks_behind(names) if name not in BY_CELL]


def layer_hooks(model: HookedModel, names: Sequence[str]) -> list[str]:
    """The hooks behind these names that every layer with heads has, so that a layer can be read by itself."""
    own = [name for name in hooks_behind(names) if name.startswith("attn.") and name != GATE]
    return [name for name in own if all(place in model.hook_dict for place in hook_names(model, name))]


def read_layer_by_layer(
    model: HookedModel, run: Activations, names: Sequence[str], read: Callable[[Activations], None]
) -> None:
    """Run a prompt again, and hand `read` the activations of every layer that has heads, with these hooks of its own.

    run: what was gathered of the prompt besides; names: as layer_hooks has them. A layer is handed on as soon as the
    model is through with it, and let go before the next. Hooks are state: the caller lets one run in at a time, and
    `read` runs no model. Raises ValueError for a hook that the model does not have.
    """
    waiting: dict[int, dict[str, Tensor]] = {layer: {} for layer in head_layers(model)}
    ends = {layer: f"blocks.{layer}.{LAYER_END}" for layer in waiting}
    places = [
        (layer, name, place) for name in names for layer, place in zip(waiting, hook_names(model, name), strict=True)
    ]
    places += [(layer, LAYER_END, place) for layer, place in ends.items() if place in model.hook_dict]

    def arrive(layer: int, name: str, place: str, value: Tensor, hook: object) -> None:
        values = waiting[layer]
        values[name] = value[:0] if name == LAYER_END else own_copy(place, value)
        if len(values) == len(names) + (ends[layer] in model.hook_dict):
            read(with_hooks(run.of_layer(layer), {name: values.pop(name) for name in names}))

    hooks = [(place, partial(arrive, layer, name, place)) for layer, name, place in places]
    with torch.no_grad():
        model.run_with_hooks(batch_of(model, [run.tokens]), fwd_hooks=hooks, **last_logits_alone(run.tokens))


def with_hooks(run: Activations, values: dict[str, Tensor]) -> Activations:
    """The activations of one layer with hooks of its own, of a batch of one prompt."""
    hooks = {name: prompt_slice([value], 0, layered=True) for name, value in values.items()}
    visible = visible_of([values[SCORES]], 0) if SCORES in values else run.visible
    return replace(run, hooks={**run.hooks, **hooks}, visible=visible)

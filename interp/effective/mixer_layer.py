"""Mixer layer: how a layer without attention mixed a prompt."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.effective.layer_mixing import LayerMixing
from headscope.interp.effective.output_gate import OutputGate, entries_between
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of, last_logits_alone
from headscope.models.attention.widening import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.mixers.places import MixerPlace, mixer_place
from headscope.models.mixers.recurrence import Recurrence
from headscope.models.mixers.watched import MixerCall, output_matrix, watched_mixers


@dataclass(frozen=True)
class RecurrentWeights:
    """The weights of a recurrence, whose rows see all that came before."""

    recurrence: Recurrence

    def rows(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """Those of some heads."""
        return self.recurrence.weights(heads, rows)

    def visible(self, rows: Int[Tensor, "row"]) -> Bool[Tensor, "row key"]:
        """Keys up to the row's own."""
        return torch.arange(self.recurrence.q.shape[1]) <= rows[:, None]


def mixer_places(model: HookedModel) -> dict[int, MixerPlace]:
    """The mixers that are known, by the number of their layer; of a layer with heads too (Falcon-H1) its mixer."""
    blocks: list[Any] = [block.original_component for block in model.blocks]
    places = {number: mixer_place(block, number) for number, block in enumerate(blocks)}
    return {number: place for number, place in places.items() if place is not None}


def mixer_names(model: HookedModel) -> tuple[str, ...]:
    """What mixes tokens in the layers without attention, each named once."""
    return tuple(dict.fromkeys(place.reading.name for place in mixer_places(model).values()))


@torch.no_grad()
def mixer_layers(model: HookedModel, prompt: Prompt, places: dict[int, MixerPlace]) -> dict[int, LayerMixing]:
    """How these layers mixed a prompt, in one pass. Hooks are state: the caller lets one run in at a time."""
    with patternless(), watched_mixers(list(places.values())) as calls:
        model.run_with_hooks(batch_of(model, [prompt]), **last_logits_alone(prompt))
    return {call.place.number: layer_mixing(call) for call in calls}


def layer_mixing(call: MixerCall, prompt: int = 0) -> LayerMixing:
    """What a mixer did with one prompt of a batch, as a layer's mixing."""
    mixed, reading = call.mixed(prompt), call.place.reading
    values, output, read = (at_least_float32(item) for item in (mixed.values, mixed.output, mixed.read))
    entries, weights = entries_between(output, read), RecurrentWeights(mixed.recurrence)
    gate = None if entries is None else OutputGate(entries, output_weights(call.place, values.shape[1]))
    return LayerMixing(reading.name, reading.source, weights, values, gate, mixed.output)


def output_weights(place: MixerPlace, heads: int) -> Float[Tensor, "head d_value d_model"]:
    """W_O of every head of a mixer."""
    matrix = output_matrix(place.module).weight.detach().cpu()
    return at_least_float32(matrix).T.unflatten(0, (heads, -1))

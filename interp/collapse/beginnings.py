"""Beginnings: prompts that begin alike are read off one pass over the longest, as no token sees its future."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformer_lens.model_bridge.exceptions import StopAtLayerException
from transformers.cache_utils import DynamicCache

from headscope.interp.reading.hooked_model import HookedModel, head_layers, module_of
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device
from headscope.models.seam.watched_calls import Call, watched_calls

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Carrier:
    """A prompt that is run, those that are its beginnings, and beginnings of it with another last token.

    The last row of a beginning stands in the carrier's run; another last token is one query beside the keys and values
    of what comes before it.
    """

    ids: Ids
    beginnings: list[Ids] = field(default_factory=list[Ids])
    other_ends: list[Ids] = field(default_factory=list[Ids])

    @property
    def prompts(self) -> list[Ids]:
        """All that are read off it, the shortest first."""
        return sorted((*self.beginnings, *self.other_ends), key=len)

    def takes(self, prompt: Ids) -> bool:
        """Whether a prompt that is no longer can be read off it, which then keeps it."""
        if (len(prompt) == 1 and prompt != self.ids[:1]) or self.ids[: len(prompt) - 1] != prompt[:-1]:
            return False
        (self.beginnings if self.ids[: len(prompt)] == prompt else self.other_ends).append(prompt)
        return True


def carriers(prompts: Sequence[Ids]) -> list[Carrier]:
    """As few as there are, the longest first; every prompt is read off one of them."""
    result: list[Carrier] = []
    for prompt in sorted(prompts, key=len, reverse=True):
        if not any(carrier.takes(prompt) for carrier in result):
            result.append(Carrier(prompt, [prompt]))
    return result


def keeps_keys(model: HookedModel) -> bool:
    """Whether a cache of keys and values is all that later tokens need of earlier ones."""
    return len(head_layers(model)) == model.cfg.n_layers


@torch.no_grad()
def keys_and_values(model: HookedModel, ids: Ids) -> DynamicCache:
    """Those of every layer; the pass ends where the last layer would hold its queries against them."""
    cache, last = DynamicCache(), head_layers(model)[-1]

    def stop(call: Call) -> None:
        if call.layer == last:
            raise StopAtLayerException(call.given.q)  # as run_with_hooks ends a pass that it is to stop itself

    batch = torch.tensor([ids], device=execution_device(module_of(model)))
    with patternless(), watched_calls(stop):
        model.run_with_hooks(batch, fwd_hooks=[], logits_to_keep=1, use_cache=True, past_key_values=cache)
    return cache


def first_part(cache: DynamicCache, tokens: int) -> DynamicCache:
    """The keys and values of the first tokens, as a cache that can grow without the other's doing so."""
    part = DynamicCache()
    for number, layer in enumerate(cache.layers):
        whole: Any = layer  # every one was made by DynamicCache() and holds keys and values
        part.update(whole.keys[:, :, :tokens], whole.values[:, :, :tokens], number)
    return part

"""Tiny hybrids whose mixers are known, and the Jacobian of what one of them did: what tests of mixers share."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from headscope.interp.families.trial import tiny_random_model
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked
from headscope.models.mixers.places import MixerPlace, mixer_place
from headscope.models.mixers.watched import MixerCall, watched_mixers

# Attention is in the layers 1 and 3 of four.
DELTA = ("qwen3_next", "qwen3_5_text", "olmo_hybrid", "kimi_linear", "bailing_hybrid")
MIXERS = {
    **dict.fromkeys(DELTA[:3], "Gated DeltaNet"),
    **dict.fromkeys(DELTA[3:], "Kimi Delta Attention"),
    **dict.fromkeys(("bamba", "granitemoehybrid", "nemotron_h"), "Mamba-2"),
    "minimax": "lightning attention",
}
LENGTH = 9


@cache
def hybrid(family: str) -> Any:
    """A hooked hybrid with softmax in its heads, for tests that leave it as it is."""
    return hooked(tiny_random_model(family))


def prompt(shift: int = 0) -> PromptTokens:
    ids = tuple(3 + (5 * at + shift) % 30 for at in range(LENGTH))  # the tokens come again
    return PromptTokens(ids, tuple(map(str, ids)))


def places_of(model: Any) -> list[MixerPlace]:
    blocks = enumerate(block.original_component for block in model.blocks)
    return [place for number, block in blocks if (place := mixer_place(block, number)) is not None]


class FrozenNorms(TorchFunctionMode):
    """Inside, the scales of norms are constants: gradients do not go through 1/√."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        return result.detach() if func in (torch.rsqrt, Tensor.rsqrt) else result


def first_call(model: Any) -> MixerCall:
    """The call of the first mixer with its graph, the scales of norms frozen."""
    with FrozenNorms(), watched_mixers(places_of(model)[:1]) as calls:
        model(torch.tensor([prompt().ids]))
    return calls[0]


def gradient_of_values(call: MixerCall, scalar: Tensor) -> Tensor:
    """∂scalar/∂v of a call, [pos, head, d_value]."""
    values = call.arguments[call.place.reading.value]
    if call.place.functions:
        return torch.autograd.grad(scalar, values, retain_graph=True)[0][0]
    [whole] = torch.autograd.grad(scalar, values._base, retain_graph=True)  # of the queries, keys and values together
    return whole[0].unflatten(-1, (values.shape[2], -1)).chunk(3, -1)[2]

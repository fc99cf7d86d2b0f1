"""Name effects: what every head does, from the last position, to the logits of the names that it attends to."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class NameEffects:
    """Of every head, prompt and name: the weight on the name's positions, and what comes of it for the name's logit.

    Law: where a name stands once, effect = weight · OV term / scale. An odd kernel's flip turns the weight's sign.
    """

    weight: Float[Tensor, "prompt layer head name"]
    effect: Float[Tensor, "prompt layer head name"]


@dataclass(frozen=True)
class NegativeHead:
    """The head and the name, by index, that has the most negative mean effect over the prompts."""

    layer: int
    head: int
    name: int


def name_effects(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
    positions: Bool[Tensor, "name key"],
) -> NameEffects:
    """Of one prompt; the arguments are those of `contributions`, positions: which keys hold each name."""
    last = pattern[:, :, -1]
    keys = positions.T.to(last.dtype)
    effect = (last * ov / scale[:, -1:]) @ keys
    return NameEffects((last @ keys)[None], effect[None])


def together(of_prompts: Sequence[NameEffects]) -> NameEffects:
    """Several prompts as one record."""
    return NameEffects(
        torch.cat([of_prompt.weight for of_prompt in of_prompts]),
        torch.cat([of_prompt.effect for of_prompt in of_prompts]),
    )


def negative_head(effects: NameEffects, layers: Sequence[int]) -> NegativeHead:
    """The strongest negative head of some layers."""
    mean = effects.effect.mean(0)[list(layers)]
    layer, head, name = (int(item) for item in torch.unravel_index(mean.argmin(), mean.shape))
    return NegativeHead(layers[layer], head, name)

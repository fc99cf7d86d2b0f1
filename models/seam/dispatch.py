"""Dispatch: the modules of a model that ask transformers' attention interface for their attention, and their places."""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from headscope.models.seam.own_attention import is_redirected

INPUTS = ("input_ids", "pixel_values")
INTERFACE = "ALL_ATTENTION_FUNCTIONS"
BLOCK = re.compile(r"^(?P<blocks>.+?)\.(?P<number>\d+)\.(?P<within>.+)$")


@dataclass(frozen=True)
class AttentionPlace:
    """One attention module by name: that of the list of blocks, the block's number in it, and its own name there."""

    module: nn.Module
    name: str
    blocks: str
    number: int
    within: str


@dataclass(frozen=True)
class AttentionLayers:
    """Which layers of a model have attention, by number, and how many layers there are."""

    numbers: tuple[int, ...]
    count: int


def dispatches(module: nn.Module) -> bool:
    """Whether a module's own forward asks the interface, or is led to it."""
    if is_redirected(module):
        return True
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    return code is not None and INTERFACE in code.co_names


def dispatching_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Those of a model with their names, in the order of its parts."""
    yield from ((name, module) for name, module in model.named_modules() if dispatches(module))


def attention_places(model: PreTrainedModel) -> list[AttentionPlace]:
    """The places of all attention of a model. Raises ValueError where there is none, or where it is in no block."""
    named = list(dispatching_modules(model))
    if not named and not has_attention(model):
        raise ValueError(
            f"a {type(model).__name__} has no attention: none of its parts forms the scores of queries and keys that a "
            "variant weighs, and that hooks of heads would show"
        )
    if not named:
        raise ValueError(
            f"the attention of a {type(model).__name__} does not go through transformers' attention interface, so "
            "that nothing can be put in its place"
        )
    places = [(name, module, BLOCK.match(name)) for name, module in named]
    if outside := [name for name, _, match in places if match is None]:
        raise ValueError(f"{outside[0]!r} of a {type(model).__name__} is attention outside of a numbered block")
    return [
        AttentionPlace(module, name, match["blocks"], int(match["number"]), match["within"])
        for name, module, match in places
        if match
    ]


def has_attention(model: nn.Module) -> bool:
    """Whether any part of a model is called attention."""
    kinds = {type(module).__name__.lower() for module in model.modules()}
    return any(word in kind for kind in kinds for word in ("attention", "attn"))


def attention_layers(model: PreTrainedModel, places: Sequence[AttentionPlace]) -> AttentionLayers:
    """The blocks with attention, of one list; where it is in several, or twice in a block, one after the other."""
    numbers = tuple(place.number for place in places)
    if len({place.blocks for place in places}) > 1 or len(set(numbers)) < len(numbers):
        return AttentionLayers(tuple(range(len(places))), len(places))
    blocks: Any = model.get_submodule(places[0].blocks)
    return AttentionLayers(numbers, len(blocks))


def reading_module(model: PreTrainedModel, blocks: str) -> nn.Module:
    """The innermost module around the blocks that reads ids or pixels: what every call of the model goes through.

    It is not always the base model, which some heads pass by (OPT's).
    """
    parts = blocks.split(".")
    around = [model.get_submodule(".".join(parts[:depth])) for depth in range(len(parts))]
    return next(part for part in reversed(around) if {*INPUTS} & {*inspect.signature(part.forward).parameters})

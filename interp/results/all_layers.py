"""All layers: what is known of the layers that have heads, beside layers without, so that each keeps its number."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from jaxtyping import Shaped
from torch import Tensor

from headscope.interp.results.result import Result

Kind = TypeVar("Kind", bound=Result)
LAYERS = ("layer", "writer_layer", "reader_layer")


def refuse_absent_head(layers: Sequence[int], heads: int, layer: int, head: int) -> None:
    """Raise ValueError for a head that a model with so many heads in these layers does not have."""
    if layer not in layers or not 0 <= head < heads:
        there_are = ", ".join(map(str, layers))
        raise ValueError(f"L{layer}H{head} was asked for; heads 0 to {heads - 1} are in the layers {there_are}")


def over_all_layers(result: Kind, numbers: Sequence[int], count: int) -> Kind:
    """A result of the layers with these numbers as one of all `count` layers; the others have no value.

    Fields that have every layer already stay.
    """
    if len(numbers) == count:
        return result
    fields = {name: tensor for name, tensor in result.tensors().items() if {*LAYERS} & {*result.axes()[name]}}
    return replace(result, **{name: _spread(result.axes()[name], fields[name], numbers, count) for name in fields})


def joined_layers(results: Sequence[Kind]) -> Kind:
    """Results of layers one after the other as one of all of them, along their axis `layer`.

    Raises ValueError for results that differ in what they have of no layer.
    """
    first, axes = results[0], results[0].axes()
    fields = {name: [result.tensors()[name] for result in results] for name in first.tensors()}
    joined = {
        name: torch.cat(values, axes[name].index("layer")) for name, values in fields.items() if "layer" in axes[name]
    }
    common = [(result.facts(), result.labels) for result in results]
    differing = [name for name in fields if name not in joined and not _all_alike(fields[name])]
    if differing or any(item != common[0] for item in common):
        place = differing[0] if differing else "facts or labels"
        raise ValueError(f"{first.about.title} differs from layer to layer in its {place}, so its layers do not join")
    return replace(first, **joined)


def spread_over_layers(
    values: Shaped[Tensor, "..."], numbers: Sequence[int], count: int, axis: int = 0
) -> Shaped[Tensor, "..."]:
    """The same along an axis of `count` layers: NaN in the others, 0 of whole numbers, False of truths."""
    shape = [*values.shape]
    shape[axis] = count
    empty = torch.nan if values.is_floating_point() or values.is_complex() else 0
    return values.new_full(shape, empty).index_copy(axis, torch.tensor(numbers, device=values.device), values)


def _all_alike(values: Sequence[Tensor]) -> bool:
    return all(torch.equal(value.nan_to_num(), values[0].nan_to_num()) for value in values)


def _spread(axes: tuple[str, ...], values: Tensor, numbers: Sequence[int], count: int) -> Tensor:
    for at, axis in enumerate(axes):
        if axis in LAYERS and values.shape[at] == len(numbers):
            values = spread_over_layers(values, numbers, count, at)
    return values

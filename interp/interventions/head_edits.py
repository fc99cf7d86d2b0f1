"""Head edits: what is to be done to the weights of each head, and which of it does anything that nothing else does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.intervention import KINDS

Edit = Callable[[Tensor], Tensor]  # a head's weights in, new ones out


@dataclass(frozen=True)
class HeadEdit:
    """New weights of one head, and the numbers of the edits that make them."""

    head: int
    numbers: list[int]
    weights: Float[Tensor, "query key"]


def edits_of_kinds(kinds: Sequence[str]) -> list[Edit]:
    """What kinds of intervention that need no value do to all weights of a head."""
    return [lambda weights, edit=KINDS[kind]: edit(weights, 0.0) for kind in kinds]


def distinct_edits(pattern: Float[Tensor, "head query key"], edits: Sequence[Edit]) -> Iterator[HeadEdit]:
    """Of every head the edits that change its weights; those that do the same to them are one."""
    for head, weights in enumerate(pattern):
        numbers: list[list[int]] = [[]]
        results = [weights]
        for number, edit in enumerate(edits):
            edited = edit(weights)
            same = next((at for at, result in enumerate(results) if torch.equal(result, edited)), len(results))
            if same == len(results):
                results.append(edited)
                numbers.append([])
            numbers[same].append(number)
        yield from (HeadEdit(head, of, edited) for of, edited in zip(numbers[1:], results[1:], strict=True))

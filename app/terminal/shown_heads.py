"""Shown heads: which rows of the table of heads were asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headscope.interp.asking.head_columns import HeadColumns, places_of, rows_in_order
from headscope.interp.results.head_score import head_name

HEAD = re.compile(r"L(\d+)H(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class ShownHeads:
    """The heads of some layers, and single ones; all where neither is named."""

    layers: tuple[int, ...] = ()
    heads: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        """Whether some are named."""
        return bool(self.layers or self.heads)

    def of(self, rows: HeadColumns) -> HeadColumns:
        """The rows that are meant."""
        if not self:
            return rows
        places = enumerate(places_of(rows))
        return rows_in_order(rows, [at for at, place in places if place[0] in self.layers or place in self.heads])

    def refuse_absent(self, model: str, layers: Sequence[int], heads: int) -> None:
        """Raise ValueError for a layer or a head that a model with so many heads in these layers has not."""
        absent = [f"L{layer}" for layer in self.layers if layer not in layers]
        absent += [f"L{at}H{head}" for at, head in self.heads if at not in layers or head not in range(heads)]
        if absent:
            first, last = head_name(layers[0], 0), head_name(layers[-1], heads - 1)
            some = "" if len(layers) == layers[-1] - layers[0] + 1 else f", in the layers {', '.join(map(str, layers))}"
            raise ValueError(f"there is no {absent[0]} in {model}; its heads run from {first} to {last}{some}")


def shown_heads(layers: Sequence[int], heads: Sequence[str]) -> ShownHeads:
    """From what was typed. Raises ValueError for a head that is not written as L2H3."""
    result = [HEAD.fullmatch(head) for head in heads]
    for text, match in zip(heads, result, strict=True):
        if match is None:
            raise ValueError(f"a head is written as L2H3, got {text!r}")
    return ShownHeads(tuple(layers), tuple((int(item[1]), int(item[2])) for item in result if item))

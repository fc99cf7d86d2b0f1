"""Shown heads: which rows of the table of heads were asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

HEAD = re.compile(r"L(\d+)H(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class ShownHeads:
    """The heads of some layers, and single ones; all where neither is named."""

    layers: tuple[int, ...] = ()
    heads: tuple[tuple[int, int], ...] = ()

    def of(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The rows that are meant. Raises ValueError for a layer or a head that the table has not."""
        if not (self.layers or self.heads):
            return table
        places = [*zip(table["layer"], table["head"], strict=True)]
        strangers = [f"L{layer}" for layer in self.layers if layer not in {*table["layer"]}]
        strangers += [f"L{layer}H{head}" for layer, head in self.heads if (layer, head) not in places]
        if strangers:
            last = max(places)
            raise ValueError(f"there is no {strangers[0]}; heads run from L0H0 to L{last[0]}H{last[1]}")
        return table.loc[[layer in self.layers or (layer, head) in self.heads for layer, head in places]]


def shown_heads(layers: Sequence[int], heads: Sequence[str]) -> ShownHeads:
    """From what was typed. Raises ValueError for a head that is not written as L2H3."""
    found = [HEAD.fullmatch(one) for one in heads]
    for text, match in zip(heads, found, strict=True):
        if match is None:
            raise ValueError(f"a head is written as L2H3, got {text!r}")
    return ShownHeads(tuple(layers), tuple((int(one[1]), int(one[2])) for one in found if one))

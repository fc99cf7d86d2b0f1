"""Gathered rows: what strips say of their rows, put together for all rows of an attention call."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Bool, Int, Num
from torch import Tensor

from headscope.interp.rows.exponential_rows import Sums, places_of_sums, sharpness_of_sums
from headscope.interp.rows.strip_rows import StripRows, nulls_of
from headscope.interp.rows.strip_scores import EqualWeights
from headscope.models.attention.fused.tiled import Tile

Place = tuple[slice, slice, slice]
Ends = tuple[tuple[int | None, int | None], ...]
OfCall = dict[str, Num[Tensor, "batch head query"]]


@dataclass(frozen=True)
class GatheredRows:
    """Rows of [batch, head, query]. Sums are made measures of for all rows at once, after which come the measures of
    strips that had no sums."""

    shape: tuple[int, ...]
    position: Int[Tensor, "query"]
    own: OfCall = field(default_factory=OfCall)
    twin: OfCall = field(default_factory=OfCall)
    equal: OfCall = field(default_factory=OfCall)
    known: dict[Ends, EqualWeights] = field(default_factory=dict[Ends, EqualWeights])
    apart: list[tuple[Place, Sums]] = field(default_factory=list[tuple[Place, Sums]])

    def equal_weights(
        self, tile: Tile, mask: Bool[Tensor, "..."] | None, weights: Callable[[], EqualWeights]
    ) -> EqualWeights:
        """Those of a tile's rows, made once for all entries and heads that have the same mask."""
        sizes = (1,) * 4 if mask is None else (1,) * (4 - mask.ndim) + tuple(mask.shape)
        place = (tile.batch if sizes[0] > 1 else slice(None), tile.head if sizes[1] > 1 else slice(None), tile.query)
        if (key := tuple((part.start, part.stop) for part in place)) not in self.known:
            self.known[key] = weights()
            self.write(self.equal, place, {"visible_keys": self.known[key].visible_keys})
            self.write(self.equal, place, {f"{n}_null": value for n, value in self.known[key].measures.items()})
        return self.known[key]

    def add(self, tile: Tile, rows: StripRows) -> None:
        """Keep what is known of a strip."""
        place = (tile.batch, tile.head, tile.query)
        self.write(self.own, place, rows.own)
        if rows.twin is not rows.own:
            self.write(self.twin, place, rows.twin)
        if rows.measures:
            self.apart.append((place, rows.measures))

    def write(self, whole: OfCall, place: Place, values: Sums) -> None:
        """Write values of some rows."""
        for name, value in values.items():
            if name not in whole:
                whole[name] = value.new_zeros(self.shape)
            whole[name][place] = value

    def measures(self) -> OfCall:
        """All of them, by name."""
        n, result = self.equal["visible_keys"], dict(self.equal)
        if self.own:
            result |= sharpness_of_sums(self.own, n) | places_of_sums(self.own, self.position)
        if self.twin:
            result |= nulls_of(sharpness_of_sums(self.twin, n))
        elif self.own:
            result |= nulls_of(result)
        for place, values in self.apart:
            self.write(result, place, values)
        return result

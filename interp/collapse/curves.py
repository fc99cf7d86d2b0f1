"""Collapse curves D(n): how far apart the last residuals of two nearly equal prompts are as the prompts grow."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.collapse.distances import DISTANCES, distances
from headscope.interp.collapse.last_residuals import Ids, last_residuals
from headscope.interp.collapse.pairs import CollapsePair
from headscope.interp.collapse.plain_ids import plain_ids
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SAMPLES = 4
ABOUT = About(
    title="Representational collapse",
    unit="units of the residual stream (relative: share of the first n)",
    law="D(n) = ‖x_last(first prompt) − x_last(second prompt)‖, e.g. of n and n + 1 ones; relative: D(n)/D(n₀)",
    source="Barbero et al. 2024 (arXiv 2406.04267), theorem 4.2; chunked: Lv et al. 2024 (arXiv 2411.07176), its code",
    null="the same pair with every token but the last drawn at random, none of them special: unrelated prompts",
    plain="Two prompts that differ by one token are run, longer and longer. Where the model collapses, the last "
    "token's residual becomes the same for both, and the model can no longer tell them apart.",
)


@dataclass(frozen=True, repr=False)
class CollapseCurves(Result):
    """D(n) after every layer and after the final norm; no change of gauge touches it.

    lengths: the n of the pairs. relative is D over that of the first pair, NaN or infinite where that is 0. All but the
    L2 norm are of the residual stream's own coordinates, as training left them. Distances near 1e-6 of the residual's
    norm are float32's rounding.
    """

    drawn_by = "collapse:collapse_figure"

    distance: Float[Tensor, "distance depth n"]
    relative: Float[Tensor, "distance depth n"]
    distance_null: Float[Tensor, "distance depth n"]
    distance_null_spread: Float[Tensor, "distance depth n"]
    lengths: tuple[int, ...]


def collapse(
    model: HookedModel,
    pairs: Sequence[CollapsePair],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    watch: Watch = watch_nothing,
) -> CollapseCurves:
    """The curve of a hooked model over pairs of growing n; `samples` random pairs per length are the null.

    watch(done, total) counts prompts. Errors are those of last_residuals. To have an untrained model beside it, ask
    for that model's own curve.
    """
    dice = torch.Generator().manual_seed(seed)
    known = plain_ids(model)
    drawn = [unrelated(pair, known, dice) for pair in pairs for _ in range(samples)]
    prompts = [prompt for pair in (*pairs, *drawn) for prompt in (pair.first, pair.second)]
    residuals = last_residuals(model, prompts, watch).unflatten(0, (-1, 2))
    apart = distances(residuals[:, 0], residuals[:, 1], model.cfg.d_head).transpose(1, 2)
    result, null = apart[..., : len(pairs)], apart[..., len(pairs) :].unflatten(-1, (len(pairs), samples))
    depths = (*(f"layer {layer}" for layer in range(model.cfg.n_layers)), "final norm")
    lengths = tuple(pair.n for pair in pairs)
    return CollapseCurves(
        result,
        result / result[..., :1],
        null.mean(-1),
        null.std(-1, correction=0),
        lengths,
        about=ABOUT,
        labels={"distance": tuple(DISTANCES), "depth": depths, "n": tuple(map(str, lengths))},
    )


def unrelated(pair: CollapsePair, known: Int[Tensor, "id"], dice: torch.Generator) -> CollapsePair:
    """A pair of the same lengths and last tokens with everything else drawn at random from the known ids."""

    def drawn(ids: Ids) -> Ids:
        return (*known[torch.randint(len(known), (len(ids) - 1,), generator=dice)].tolist(), ids[-1])

    return CollapsePair(pair.n, drawn(pair.first), drawn(pair.second))

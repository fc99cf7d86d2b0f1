"""Collapse curves D(n): how far apart the last residuals of two nearly equal prompts are as the prompts grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.beginnings import Ids
from headscope.interp.collapse.distances import DISTANCES, distances, unlike_in_bfloat16
from headscope.interp.collapse.last_residuals import last_residuals
from headscope.interp.collapse.pairs import CollapsePair
from headscope.interp.collapse.plain_ids import plain_ids
from headscope.interp.reading.hooked_model import HookedModel, looks_back
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SAMPLES = 2
ABOUT = About(
    title="Representational collapse",
    unit="units of the residual stream (relative: share of the first n; in bfloat16: steps, and shares that differ)",
    law="D(n) = ‖x_last(first prompt) − x_last(second prompt)‖, e.g. of n and n + 1 ones; relative: D(n)/D(n₀); "
    "bfloat16 steps ‖x − y‖/‖ulp(x)‖",
    source="Barbero et al. 2024 (arXiv 2406.04267), theorem 4.2; chunked: Lv et al. 2024 (arXiv 2411.07176), its code",
    null="the first prompt beside an unrelated second: every token but its last drawn at random, none of them special",
    by_gauge={"logits": ("logits_unlike", "logits_unlike_null", "logits_unlike_null_spread")},
    plain="Two prompts that differ by one token are run, longer and longer. Where the model collapses, the last "
    "token's residual becomes the same for both, and the model can no longer tell them apart.",
)


@dataclass(frozen=True, repr=False)
class CollapseCurves(Result):
    """D(n) after every layer and after the final norm; no change of gauge touches it.

    What adds the same to all logits changes how they are rounded, and logits_unlike with it.

    lengths: the n of the pairs. relative is D over that of the first pair, NaN or infinite where that is 0. All but the
    L2 norm are of the residual stream's own coordinates, as training left them. Distances near 1e-6 of the residual's
    norm are float32's rounding. In bfloat16: of a run in the model's own numbers, rounded at its end; a run in bfloat16
    loses more. logits_unlike: the share of logits, before any scale or soft cap, that differ once rounded;
    answer_differs: 1 where the likeliest token is another. None where logits are not read off the final norm.
    """

    drawn_by = "collapse:collapse_figure"

    distance: Float[Tensor, "distance depth n"]
    relative: Float[Tensor, "distance depth n"]
    distance_null: Float[Tensor, "distance depth n"]
    distance_null_spread: Float[Tensor, "distance depth n"]
    lengths: tuple[int, ...]
    logits_unlike: Float[Tensor, "n"] | None = None
    logits_unlike_null: Float[Tensor, "n"] | None = None
    logits_unlike_null_spread: Float[Tensor, "n"] | None = None
    answer_differs: Float[Tensor, "n"] | None = None
    answer_differs_null: Float[Tensor, "n"] | None = None
    answer_differs_null_spread: Float[Tensor, "n"] | None = None


def collapse(
    model: HookedModel,
    pairs: Sequence[CollapsePair],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    watch: Watch = watch_nothing,
) -> CollapseCurves:
    """The curve of a hooked model over pairs of growing n; the null: each first prompt beside `samples` unrelated ones.

    Unrelated prompts of all n are beginnings of the same random texts, so that a pass over the longest serves them all.
    watch(done, total) counts prompts. Errors are those of last_residuals. To have an untrained model beside it, ask
    for that model's own curve.
    """
    dice, known = torch.Generator().manual_seed(seed), plain_ids(model)
    longest = max((len(pair.second) for pair in pairs), default=1)
    texts = [known[torch.randint(len(known), (longest,), generator=dice)].tolist() for _ in range(samples)]
    prompts = [prompt for pair in pairs for prompt in (pair.first, pair.second, *unrelated(pair, texts))]
    rows = last_residuals(model, prompts, watch).unflatten(0, (len(pairs), -1))
    apart = distances(rows[:, :1].expand_as(rows), rows, model.cfg.d_head).permute(0, 3, 1, 2)[..., 1:]
    result, null = apart[..., 0], apart[..., 1:]
    depths = (*(f"layer {layer}" for layer in range(model.cfg.n_layers)), "final norm")
    lengths = tuple(pair.n for pair in pairs)
    return CollapseCurves(
        result,
        result / result[..., :1],
        null.mean(-1),
        null.std(-1, correction=0),
        lengths,
        **answers_apart(model, rows[:, :, -1]),
        about=ABOUT,
        labels={"distance": tuple(DISTANCES), "depth": depths, "n": tuple(map(str, lengths))},
    )


@torch.no_grad()
def answers_apart(model: HookedModel, final: Float[Tensor, "pair prompt d_model"]) -> dict[str, Any]:
    """The fields about logits, of the final norm's outputs of the first prompt of each pair and of those beside it."""
    unembed = model.original_model.get_output_embeddings()
    if unembed is None or unembed.weight.shape[1] != final.shape[-1] or not looks_back(model):
        return {}
    logits = unembed(final.to(unembed.weight)).float().cpu()
    unlike = unlike_in_bfloat16(logits[:, :1].expand_as(logits), logits)[:, 1:]
    answers = logits.argmax(-1)
    differs = (answers[:, 1:] != answers[:, :1]).double()
    fields: dict[str, Any] = {}
    for name, value in {"logits_unlike": unlike, "answer_differs": differs}.items():
        null = value[:, 1:]
        fields |= {name: value[:, 0], f"{name}_null": null.mean(-1), f"{name}_null_spread": null.std(-1, correction=0)}
    return fields


def unrelated(pair: CollapsePair, texts: Sequence[Sequence[int]]) -> list[Ids]:
    """Of every text a prompt as long as the pair's second and with its last token."""
    return [(*text[: len(pair.second) - 1], pair.second[-1]) for text in texts]

"""Perturbation spread: how far another token in one place changes the residuals of all tokens, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.collapse.plain_ids import plain_ids
from headscope.interp.collapse.residual import depth_labels
from headscope.interp.collapse.tokens.token_streams import token_streams
from headscope.interp.reading.hooked_model import HookedModel, looks_back
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

SAMPLES = 1  # each is a pass over the changed prompt, and one over an unrelated one
ABOUT = About(
    title="Spread of one token's change",
    unit="relative, reach: share of the null; distances in units of the residual stream",
    law="‖x_t − x′_t‖ of the prompt and of one with another token at one place, mean over tokens drawn at random; "
    "relative: over the null; reach: mean of relative over the other tokens that can see the place",
    source="Barbero et al. 2025 (arXiv 2504.02732), perturbed tokens with and without a sink",
    null="another token at the place and at all that can see it: what unrelated texts are apart",
    plain=Sentence(
        "How much of one word's change every other word feels, and from which layer on. Attention that rests on a sink "
        "passes less on; attention that mixes evenly passes it everywhere."
    ),
)


@dataclass(frozen=True, repr=False)
class PerturbationSpread(Result):
    """By depth and token; no change of gauge touches it, and signs of weights only act through the residuals.

    Exactly 0 before the place where no token sees its future. position: the place. relative near 1: the token is as
    another as it would be in an unrelated text. The spread of the null is that over draws, so 0 of one draw.
    """

    drawn_by = "tokens.perturbation:perturbation_figure"

    relative: Float[Tensor, "depth pos"]
    distance: Float[Tensor, "depth pos"]
    distance_null: Float[Tensor, "depth pos"]
    distance_null_spread: Float[Tensor, "depth pos"]
    reach: Float[Tensor, "depth"]
    position: int


def perturbation_spread(
    model: HookedModel,
    prompt: PromptTokens,
    position: int | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
) -> PerturbationSpread:
    """Of one prompt, by one pass over it, `samples` over changed ones and as many over unrelated ones.

    position: the place, from 0; a quarter of the way into the prompt when not given. Hooks are state: the caller lets
    one run in at a time. Raises ValueError for a position outside of the prompt and for no sample.
    """
    at = min(max(1, len(prompt) // 4), len(prompt) - 1) if position is None else position
    if not 0 <= at < len(prompt) or samples < 1:
        raise ValueError(
            f"position {at} and {samples} samples were asked for; the prompt has the positions 0 to {len(prompt) - 1}, "
            "and one sample at least is drawn"
        )
    reached = torch.arange(len(prompt)) > at if looks_back(model) else torch.arange(len(prompt)) != at
    place = torch.arange(len(prompt)) == at
    dice = torch.Generator().manual_seed(seed)
    texts = [drawn_text(model, prompt.ids, where, dice) for where in (place, place | reached) for _ in range(samples)]
    streams = token_streams(model, [prompt.ids, *texts])
    return spread_of_streams(
        streams[0], streams[1 : 1 + samples], streams[1 + samples :], (at, reached), prompt.strings
    )


def drawn_text(
    model: HookedModel, ids: Sequence[int], where: Bool[Tensor, "pos"], dice: torch.Generator
) -> tuple[int, ...]:
    """The ids with others in some places: plain tokens at random, in the first such place never what stood there."""
    known, first = plain_ids(model), int(where.nonzero()[0])
    own = torch.tensor(ids)
    others = known[known != own[first]] if len(known) > 1 else known
    drawn = others[torch.randint(len(others), own.shape, generator=dice)]
    return tuple(drawn.where(where, own).tolist())


def spread_of_streams(
    stream: Float[Tensor, "depth pos d_model"],
    changed: Float[Tensor, "sample depth pos d_model"],
    unrelated: Float[Tensor, "other_sample depth pos d_model"],
    place: tuple[int, Bool[Tensor, "pos"]],
    tokens: Sequence[str] = (),
) -> PerturbationSpread:
    """Of the residuals of a prompt, of changed ones and of unrelated ones. place: the position, and who can see it."""
    distance = (changed - stream).norm(dim=-1).mean(0)
    apart = (unrelated - stream).norm(dim=-1)
    null = apart.mean(0)
    relative = distance / null.masked_fill(null == 0, 1)
    return PerturbationSpread(
        *(relative, distance, null, apart.std(0, correction=0)),
        reach=relative[:, place[1]].mean(-1),
        position=place[0],
        about=ABOUT,
        labels={"depth": depth_labels(len(stream)), **({"pos": tuple(tokens)} if tokens else {})},
    )

"""Temperatures: what attention that learns them multiplies each token's query and value by, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Temperatures",
    unit="factor",
    law="weights softmax(τ_q(x, n) · q·k/√d), values τ_v(x, n) · v; τ = 1 is plain attention, a larger τ_q is sharper",
    source="Zhang et al. 2024, arXiv 2411.12892",
    plain=Sentence(
        "How sharply each {token} attends, and how loudly it is heard: factors that the model learned for every {token}"
        " and position."
    ),
)


@dataclass(frozen=True, repr=False)
class Temperatures(Result):
    """τ_q and τ_v of every token in every layer; 1 where a layer has none.

    query_beside_position, value_beside_position: what the least-squares line in ln n leaves, n the token's place from
    1: an estimate of the token's own part, as the positional part is 1 + σ(α) ln n.
    """

    drawn_by = "geometry:temperatures_figure"

    query: Float[Tensor, "layer pos"]
    value: Float[Tensor, "layer pos"]
    query_beside_position: Float[Tensor, "layer pos"]
    value_beside_position: Float[Tensor, "layer pos"]


def temperatures(
    query: Float[Tensor, "layer pos"] | None, value: Float[Tensor, "layer pos"] | None, tokens: Sequence[str]
) -> Temperatures:
    """The temperatures of one prompt; None stands for a side that no layer tempers.

    Raises ValueError where neither is there.
    """
    known = query if query is not None else value
    if known is None:
        raise ValueError("this model has no temperatures: its attention learns none")
    tau_q, tau_v = (torch.ones_like(known) if tau is None else tau for tau in (query, value))
    return Temperatures(
        tau_q, tau_v, beside_position(tau_q), beside_position(tau_v), about=ABOUT, labels={"pos": tuple(tokens)}
    )


def beside_position(tau: Float[Tensor, "layer pos"]) -> Float[Tensor, "layer pos"]:
    """τ less its least-squares line in ln n."""
    place = torch.arange(1, tau.shape[1] + 1, dtype=tau.dtype).log()
    place = place - place.mean()
    rest = tau - tau.mean(-1, keepdim=True)
    slope = rest @ place / place.square().sum().clamp_min(torch.finfo(tau.dtype).tiny)
    return rest - slope[:, None] * place

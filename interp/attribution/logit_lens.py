"""Logit lens: what the model would predict if its residual stream of each layer were its last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.reading.activations import Activations
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import HeadWeights
from headscope.models.hosts.words import Sentence

READS = ("hook_resid_pre", "hook_resid_post", "ln1.hook_scale", "ln_final.hook_scale")
LENS = About(
    title="Logit lens",
    unit="logits before a soft cap; probability is a share",
    law="x / scale(x) · W_U + b_U for the residual x before every layer and after the last; the last are the logits",
    source="nostalgebraist 2020, Interpreting GPT: the logit lens",
    null=Sentence("of the logit: any {candidate} in the target's place (exact mean and standard deviation)"),
    by_gauge={"logits": ("logit", "logit_null")},
    plain="What the model would say if it stopped after each layer: the residual stream is read as if it were the "
    "last.",
)


@dataclass(frozen=True, repr=False)
class LogitLens(Result):
    """At each depth (before layer 0, 1, …, after the last) and position, for targets of that position's own.

    rank: 0 where the target is the likeliest. top: the id of the likeliest token there, with its probability.
    strings: the texts of the ids, where a tokenizer knows them.
    """

    drawn_by = "attribution:logit_lens_figure"

    probability: Float[Tensor, "depth pos target"]
    logit: Float[Tensor, "depth pos target"]
    logit_null: Float[Tensor, "depth pos"]
    logit_null_spread: Float[Tensor, "depth pos"]
    rank: Int[Tensor, "depth pos target"]
    top: Int[Tensor, "depth pos"]
    top_probability: Float[Tensor, "depth pos"]
    token: Int[Tensor, "pos target"]
    strings: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """The residual before every layer and after the last, and what the final norm would divide each by.

    The scale comes from the norm that reads it there: a model's norms differ in gain and bias alone.
    """

    residual: Float[Tensor, "depth pos d_model"]
    scale: Float[Tensor, "depth pos 1"]


def logit_lens_stream(run: Activations) -> Stream:
    """Of a run that kept READS."""
    residual = torch.cat([run["hook_resid_pre"], run["hook_resid_post"][-1:]])
    return Stream(residual, torch.cat([run["ln1.hook_scale"], run["ln_final.hook_scale"][None]]))


def logit_lens(
    stream: Stream,
    weights: HeadWeights,
    tokens: Int[Tensor, "pos target"],
    names: tuple[str, ...] = (),
    soft_cap: float | None = None,
) -> LogitLens:
    """Logits and probabilities of the given tokens, depth by depth; names: one per target, for its label.

    soft_cap: c of a model whose logits are c tanh(x / c) (Gemma 2): then probabilities are of those.
    """
    depths = [
        depth_lens(residual / scale @ weights.W_U + weights.b_U, tokens, soft_cap)
        for residual, scale in zip(stream.residual, stream.scale, strict=True)
    ]
    return lens_of_depths(depths, tokens, names, LENS)


def lens_of_depths(
    depths: Sequence[Mapping[str, Tensor]], tokens: Int[Tensor, "pos target"], names: tuple[str, ...], about: About
) -> LogitLens:
    """What `depth_lens` gave before every layer and after the last, as one result."""
    fields: dict[str, Any] = {name: torch.stack([depth[name] for depth in depths]) for name in depths[0]}
    depth = (*(f"before L{layer}" for layer in range(len(depths) - 1)), "after the last")
    return LogitLens(
        **fields, token=tokens, about=about, labels={"depth": depth} | ({"target": names} if names else {})
    )


def depth_lens(
    logits: Float[Tensor, "pos vocab"], tokens: Int[Tensor, "pos target"], soft_cap: float | None
) -> dict[str, Tensor]:
    """The fields of LogitLens at one depth."""
    capped = logits if soft_cap is None else soft_cap * torch.tanh(logits / soft_cap)
    probabilities, chosen = capped.softmax(-1), logits.gather(-1, tokens)
    top = probabilities.max(-1)
    return {
        "probability": probabilities.gather(-1, tokens),
        "logit": chosen,
        "logit_null": logits.mean(-1),
        "logit_null_spread": logits.std(-1, correction=0),
        "rank": torch.stack([(logits > item).sum(-1) for item in chosen.split(1, -1)], -1),
        "top": top.indices,
        "top_probability": top.values,
    }

"""Contributions: what a head adds, from every key, to the logit of the key's own token at every query."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result

ABOUT = About(
    title="Token-resolved direct effect",
    unit="logits, against their mean over the vocabulary",
    law="C[d, s] = A[d, s] · (v_s W_O · W_U[:, token s]) / scale at d, of the final norm and one after attention; "
    "W_U less its mean over the vocabulary; of a head with an output gate A has what that lets through to this logit",
    source="Lv et al. 2024 (arXiv 2411.07176), after Elhage et al. 2021",
    by_gauge={"odd": ("ov",), "scale": ("ov",)},
    plain="What one head does, from one position, to the logit of each token that it reads: raise it (copying) or "
    "lower it (deletion).",
)


@dataclass(frozen=True, repr=False)
class Contributions(Result):
    """C of the chosen heads and its OV term before the scale; the axis head is labelled L3H0.

    An odd kernel's flip (W_Q, W_V) → (−W_Q, −W_V) turns the sign of ov and leaves the contribution alone.
    """

    drawn_by = "deletion:contributions_figure"

    contribution: Float[Tensor, "head query key"]
    ov: Float[Tensor, "head key"]


def ov_terms(
    values: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    unembeddings: Float[Tensor, "d_model key"],
) -> Float[Tensor, "layer head key"]:
    """v_s W_O · u_s of every head, u_s a direction per key: W_U[:, token s], or any other.

    Law: Σ_s A[d, s] · ov_s is the head's output at d read along u, where u is the same for all keys.
    values: hook_v, as mixed; heads of a group share theirs.
    """
    per_head = values.repeat_interleave(W_O.shape[1] // values.shape[2], dim=2)
    toward = torch.einsum("lhem,mk->lhke", W_O, unembeddings)
    return torch.einsum("lkhe,lhke->lhk", per_head, toward)


def contributions(
    pattern: Float[Tensor, "layer head query key"],
    ov: Float[Tensor, "layer head key"],
    scale: Float[Tensor, "layer query 1"],
    heads: Sequence[tuple[int, int]],
    tokens: Sequence[str] = (),
) -> Contributions:
    """C of the heads asked for, as (layer, head); the others' is not formed. scale: that of scale_to_logits.

    Raises ValueError for no head and for one that the model does not have.
    """
    n_layers, n_heads = ov.shape[:2]
    strangers = [item for item in heads if not (0 <= item[0] < n_layers and 0 <= item[1] < n_heads)]
    if strangers or not heads:
        request = f"head {strangers[0]} was asked for" if strangers else "no head was asked for"
        raise ValueError(f"{request}; there are layers 0 to {n_layers - 1} with heads 0 to {n_heads - 1}")
    layer, head = map(list, zip(*heads, strict=True))
    labels = {"head": tuple(f"L{item}H{other}" for item, other in heads)}
    if tokens:
        labels |= {"query": tuple(tokens), "key": tuple(tokens)}
    terms = ov[layer, head]
    return Contributions(pattern[layer, head] * terms[:, None] / scale[layer], terms, about=ABOUT, labels=labels)

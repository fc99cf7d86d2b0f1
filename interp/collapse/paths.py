"""Paths: how much of the last token's residual comes from each token, over all ways through heads and skips."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Path bound",
    unit="1",
    law="last row of Π_l (mean over heads of |A_l| / β_l + I)",
    source="Barbero et al. 2024 (arXiv 2406.04267), theorem 5.1, with |A| for A",
    null="equal weights on the visible keys",
    by_gauge={"scale": ("bound",)},
    plain=Sentence(
        "How much each {token} can reach the {last_one} at most, through all paths of all layers, if nothing cancels."
    ),
)


@dataclass(frozen=True, repr=False)
class PathBound(Result):
    """The bound on ‖∂y_last/∂x_source‖ up to the theorem's factor K of the MLPs and of the norms before them.

    Rows of weights whose magnitudes sum to one and β = 1 make it sum to 2^layers. No flip of signs changes it; the
    rescaling (c W_Q, c^−p W_V) of a homogeneous kernel does.
    """

    drawn_by = "collapse:path_bound_figure"

    bound: Float[Tensor, "pos"]
    bound_null: Float[Tensor, "pos"]


def path_bound(
    pattern: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    tokens: Sequence[str] = (),
    beta: float | Float[Tensor, "layer"] = 1.0,
) -> PathBound:
    """The bound of a prompt. beta: by how much the norm before attention divides its input, a number in the theorem;
    the mean of ln1.hook_scale says what it is in a layer. Raises ValueError unless it is above 0.
    """
    divisor = torch.as_tensor(beta, dtype=torch.float64)
    if not bool((divisor > 0).all()):
        raise ValueError(f"beta {divisor.tolist()} was asked for; a norm divides by a number above 0")
    divisor = divisor.expand(len(pattern))[:, None, None]
    equal = visible.double() / visible.sum(-1, keepdim=True).clamp(min=1)
    return PathBound(
        from_last(pattern.abs().double().mean(1) / divisor),
        from_last(equal / divisor),
        about=ABOUT,
        labels={"pos": tuple(tokens)} if tokens else {},
    )


def from_last(mixing: Float[Tensor, "layer pos pos"]) -> Float[Tensor, "pos"]:
    """The last row of (M_L + I) … (M_1 + I), as a vector that passes through the layers from the last to the first."""
    row = mixing.new_zeros(mixing.shape[-1])
    row[-1] = 1
    for layer in mixing.flip(0):
        row = row + row @ layer
    return row

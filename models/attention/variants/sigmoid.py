"""Sigmoid attention: a = σ(p + b), every weight for itself (Ramapuram et al. 2024, arXiv 2409.04431, eq. 3).

b = −ln n keeps a row's sum near 1 where scores are near 0, as the paper advises for a sequence of n tokens. Here n
counts the visible keys of the row: for a model that sees everything that is the paper's n, and a causal one learns
nothing of what is to come.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.jacobian import row_norm
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Variant
from headscope.models.attention.widening import over_cells

Bias = float | int | Float[Tensor, "..."]


def shifted(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    bias: Bias | None,
    head_bias: Bias,
) -> Float[Tensor, "batch head query key"]:
    """p + b, with 0 for the scores of hidden keys."""
    count = visible.sum(-1, keepdim=True).clamp_min(1).to(scores.dtype)
    shift = (-count.log() if bias is None else bias) + torch.as_tensor(head_bias, dtype=scores.dtype)
    return scores.masked_fill(~visible, 0.0) + shift


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    bias: Bias | None = None,
    head_bias: Bias = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """Weights between 0 and 1 that share nothing: whatever a row sums to, no key takes from another."""
    return shifted(scores, visible, bias, head_bias).sigmoid().masked_fill(~visible, 0.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    bias: Bias | None = None,
    head_bias: Bias = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """∂a/∂p = a (1 − a), element by element; 1 − a is taken as σ(−p − b), which keeps its digits."""
    return grad_pattern * pattern * (-shifted(scores, visible, bias, head_bias)).sigmoid()


def slope(
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    *,
    bias: Bias | None = None,
    head_bias: Bias = 0.0,
) -> Float[Tensor, "*batch query"]:
    """√Σ (a (1 − a))², from the weights alone."""
    return row_norm(pattern * (1 - pattern))


def kernel(*, bias: float | int | None = None, head_bias: Bias = 0.0) -> Options:
    """b of all heads, and what each head adds to it: a number, or a tensor [head] or wider."""
    check_bias(bias)
    if isinstance(head_bias, Tensor):
        return {"bias": bias, "head_bias": over_cells(head_bias)}
    if not is_finite_number(head_bias):
        raise ValueError(f"sigmoid: head_bias is a finite number, or a tensor with one a head, got {head_bias!r}")
    return {"bias": bias, "head_bias": head_bias}


def learned(options: Options, shape: LayerShape) -> dict[str, nn.Parameter]:
    """What each head adds to b [head], nothing at first."""
    return {"head_bias": nn.Parameter(torch.zeros(shape.n_heads))} if options["learned"] else {}


def check_bias(bias: object) -> None:
    if bias is not None and not is_finite_number(bias):
        raise ValueError(f"sigmoid: bias is a finite number, or None for −ln n of each row, got {bias!r}")


def check_options(options: Options) -> None:
    check_bias(options["bias"])
    check_flags("sigmoid", options, "learned")


SIGMOID = Variant(
    name="sigmoid",
    paper="Ramapuram et al. 2024, arXiv 2409.04431",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.NON_NEGATIVE,
    invariant_to_key_translation=False,
    options={"bias": None, "learned": False},
    check_options=check_options,
    kernel=kernel,
    learned=learned,
    slope=slope,
    read_kernel=lambda pattern, scores: {},
    cases={
        "": {},
        "unbiased": {"bias": 0.0},
        "per head": {"head_bias": torch.tensor([0.5, -1.0, 2.0, 0.0])},
    },
)

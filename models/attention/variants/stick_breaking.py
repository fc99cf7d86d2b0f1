"""Stick-breaking attention: a_ts = σ(p_ts) Π_{s<r<t} (1 − σ(p_tr)), the nearest key takes first (Tan et al. 2024, arXiv
2410.17980, eq. 2).

The paper's query does not attend to its own position, so the first token attends to nothing; own=True lets it, as
attend_current of the paper's code does. The last key that a row sees is taken for its own, as it is in a decoder; a row
that sees the future breaks the stick from the last key on. What no key takes, 1 − Σ a, is the rest of the stick.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from headscope.models.attention.jacobian import row_norm
from headscope.models.attention.options import check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Variant


def breakable(visible: Bool[Tensor, "*batch query key"], own: bool) -> Bool[Tensor, "*batch query key"]:
    """The keys that take from the stick: those that a row sees, its last one only where it attends to itself."""
    return visible if own else visible & (visible.flip(-1).cumsum(-1).flip(-1) > 1)


def sum_after(x: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows key"]:
    """The sum of all entries behind each, itself not among them."""
    return pad(x[..., 1:].flip(-1).cumsum(-1).flip(-1), (0, 1))


def sum_before(x: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows key"]:
    """The sum of all entries before each, itself not among them."""
    return pad(x[..., :-1].cumsum(-1), (1, 0))


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    own: bool = False,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa ≤ 1, from sums of logarithms."""
    taking = breakable(visible, own)
    p = scores.masked_fill(~taking, 0.0)
    left = sum_after(logsigmoid(-p).masked_fill(~taking, 0.0))
    return (logsigmoid(p) + left).exp().masked_fill(~taking, 0.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    own: bool = False,
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p_s = σ(−p_s) a_s ∂L/∂a_s − σ(p_s) Σ_{r<s} a_r ∂L/∂a_r: what a key takes is lost to all before it."""
    taking = breakable(visible, own)
    p, mass = scores.masked_fill(~taking, 0.0), pattern * grad_pattern
    return ((-p).sigmoid() * mass - p.sigmoid() * sum_before(mass)).masked_fill(~taking, 0.0)


def slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], *, own: bool = False
) -> Float[Tensor, "*batch query"]:
    """√Σ_s a_s² (σ(−p_s)² + Σ_{r>s} σ(p_r)²): a weight answers to its own score and to those of all nearer keys."""
    taking = breakable(scores != -torch.inf, own)
    p = scores.masked_fill(~taking, 0.0)
    nearer = sum_after(p.sigmoid().square().masked_fill(~taking, 0.0))
    return row_norm(pattern * ((-p).sigmoid().square() + nearer).sqrt())


STICK_BREAKING = Variant(
    name="stick_breaking",
    paper="Tan et al. 2024, arXiv 2410.17980",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.SUB_STOCHASTIC,
    invariant_to_key_translation=False,
    reads_order=True,
    options={"own": False},
    check_options=lambda options: check_flags("stick_breaking", options, "own"),
    slope=slope,
    cases={"": {}, "own": {"own": True}},
)

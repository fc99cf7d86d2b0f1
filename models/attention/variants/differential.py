"""Differential attention: softmax(p₁) − λ softmax(p₂), of two heads' scores (Ye et al. 2024, arXiv 2410.05258, eq. 1).

Heads h and h + H/2 are a pair, as in transformers' DiffLlama: both carry A = softmax(p_h) − λ softmax(p_{h+H/2}), the
signed weights of their values. What a pair puts out is then divided by its root mean square, times 1 − λ_init (eq. 3).
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.library_softmax import fused_softmax
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.learned_part import Hidden, LearnedOption, OutputFactor
from headscope.models.attention.masked import masked_softmax, softmax_pullback
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant
from headscope.models.attention.variants.softmax import SOFTMAX
from headscope.models.attention.widening import at_least_float32, repeated_kv_heads

Rows = Float[Tensor, "batch head query key"]
Lambda = Float[Tensor, "..."] | float
EPS = 1e-5  # of the mean square


def weigh(scores: Rows, visible: Bool[Tensor, "#batch #head query key"], *, lambda_full: Lambda = 0.8) -> Rows:
    """Signed weights, Σa = 1 − λ, alike in both heads of a pair."""
    first, second = halves(masked_softmax(scores, visible))
    return (first - lambda_full * second).repeat(1, 2, 1, 1)


def halves(x: Float[Tensor, "batch head *rest"]) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
    """The first and the second heads of the pairs. Raises ValueError for heads that make none."""
    refuse_odd(x.shape[1])
    first, second = x.chunk(2, 1)
    return first, second


def refuse_odd(n_heads: int) -> None:
    """Raise ValueError for heads that make no pairs."""
    if n_heads % 2:
        raise ValueError(f"differential attention takes the difference of two heads; it cannot pair {n_heads}")


def pullback(
    scores: Rows,
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Rows,
    grad_pattern: Rows,
    *,
    lambda_full: Lambda = 0.8,
) -> Rows:
    """Softmax's own of each map, the second times −λ; a pair's weights stand twice, and their gradients add."""
    grad = sum(halves(grad_pattern))
    maps = masked_softmax(scores, visible)
    both = torch.cat([torch.as_tensor(grad), -lambda_full * torch.as_tensor(grad)], 1)
    return softmax_pullback(maps, both)


def slope(pattern: Rows, scores: Rows, *, lambda_full: Lambda = 0.8) -> Float[Tensor, "batch head query"]:
    """‖∂a/∂(p₁, p₂)‖_F of a pair: its maps' norms, the second times λ, are at right angles."""
    visible = scores > -torch.inf
    first, second = halves(softmax_slope(masked_softmax(scores.where(visible, 0.0), visible), scores))
    scaled = torch.as_tensor(lambda_full, dtype=second.dtype).abs().squeeze() * second
    return torch.hypot(first, scaled).repeat(1, 2, 1)


def fused_differential(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """Every map times the values of either head of its pair, by torch's softmax."""
    n_heads = prepared.q.shape[1]
    lambda_full = prepared.kernel.get("lambda_full", 0.8)
    k, values = repeated_kv_heads(k, n_heads), halves(repeated_kv_heads(prepared.v, n_heads))
    mixed = (fused_softmax(SOFTMAX, replace(prepared, v=v.repeat(1, 2, 1, 1), kernel={}), k, rule) for v in values)
    return torch.cat([first - lambda_full * second for first, second in map(halves, mixed)], 1)


class LambdaOfVectors(LearnedOption):
    """λ = exp(λ_q1 · λ_k1) − exp(λ_q2 · λ_k2) + λ_init of a layer (eq. 2), the vectors as long as a head's queries.

    Vectors start with a standard deviation of 0.1.
    """

    def __init__(self, d_head: int, lambda_init: float) -> None:
        super().__init__()
        self.lambda_init = lambda_init
        for name in ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"):
            self.register_parameter(name, nn.Parameter(0.1 * torch.randn(d_head)))

    def forward(self, hidden: Hidden | None) -> Float[Tensor, ""]:
        """One number of the layer."""
        names = ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2")
        q1, k1, q2, k2 = (at_least_float32(self.get_parameter(name)) for name in names)
        return (q1 * k1).sum().exp() - (q2 * k2).sum().exp() + self.lambda_init


class PairNorm(OutputFactor):
    """(1 − λ_init) / rms of what a pair of heads puts out, which both are multiplied by (eq. 3)."""

    def __init__(self, lambda_init: float) -> None:
        super().__init__()
        self.lambda_init = lambda_init

    def forward(self, output: Float[Tensor, "batch head query d_value"]) -> Float[Tensor, "batch head query 1"]:
        """Of every query and pair, in both of its heads."""
        first, second = (at_least_float32(half).square().mean(-1, keepdim=True) for half in halves(output))
        square = (first + second) / 2
        return ((1 - self.lambda_init) * torch.rsqrt(square + EPS)).repeat(1, 2, 1, 1)


def lambda_init(options: Options, number: int) -> float:
    """λ_init as the options have it, else 0.8 − 0.6 exp(−0.3 l) of layer l."""
    return 0.8 - 0.6 * math.exp(-0.3 * number) if options["lambda_init"] is None else options["lambda_init"]


def learned(options: Options, shape: LayerShape) -> dict[str, LambdaOfVectors]:
    """λ of the layer."""
    refuse_odd(shape.n_heads)
    return {"lambda_full": LambdaOfVectors(shape.query_width // shape.n_heads, lambda_init(options, shape.number))}


def factor(options: Options, shape: LayerShape) -> PairNorm | None:
    """The norm of pairs, where the options ask for it."""
    return PairNorm(lambda_init(options, shape.number)) if options["norm"] else None


def check_options(options: Options) -> None:
    start = options["lambda_init"]
    if start is not None and not is_finite_number(start):
        raise ValueError(f"differential: lambda_init is a finite number, or None for one by depth; got {start!r}")
    check_flags("differential", options, "norm")


DIFFERENTIAL = Variant(
    name="differential",
    paper="Ye et al. 2024, arXiv 2410.05258",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.FREE,
    invariant_to_key_translation=True,
    mixes_heads=True,
    options={"lambda_init": None, "norm": True},
    check_options=check_options,
    learned=learned,
    handed={"lambda_full": "lambda_full"},
    factor=factor,
    fused=fused_differential,
    slope=slope,
    without={"lambda": lambda scores, visible: weigh(scores, visible, lambda_full=0.0)},
    cases={"": {}, "of a small part": {"lambda_full": 0.2}},
)

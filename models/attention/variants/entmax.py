"""α-entmax: a = [(α−1) p − τ]₊^(1/(α−1)), sparse and of sum 1 (Peters et al. 2019, arXiv 1905.05702).

α = 2 is sparsemax (Martins & Astudillo 2016, arXiv 1602.02068); α toward 1 is softmax. Learned, α = 1 + σ(alpha_logit)
of each head (Correia et al. 2019, arXiv 1909.00015), 1.001 at least, below which float32 has too few digits. τ is exact
by sorting for α = 1.5 and 2, else by bisection; two Newton steps behind it are what autograd sees, so that gradients
are those of the root, of α too.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import Variant
from headscope.models.attention.widening import at_least_float32, over_cells

Alpha = float | Float[Tensor, "..."]
SORTED = (1.5, 2.0)
LEAST = 0.001  # of a learned α − 1
HIDDEN = -2.0  # below every threshold, which lies between -1 and 0 of a row whose largest entry is 0


def lowered(
    scores: Float[Tensor, "*batch key"], visible: Bool[Tensor, "*#batch key"], alpha: Alpha
) -> Float[Tensor, "*batch key"]:
    """(α − 1) p less its largest of the row, which is no matter of the weights; hidden keys far below."""
    hidden = ~visible & visible.any(-1, keepdim=True)  # a row that sees nothing has finite numbers on the way
    largest = scores.masked_fill(hidden, -torch.inf).amax(-1, keepdim=True).detach()
    return ((alpha - 1) * (scores.masked_fill(hidden, 0.0) - largest)).masked_fill(hidden, HIDDEN)


def heights(
    x: Float[Tensor, "*batch key"], tau: Float[Tensor, "*batch 1"], power: Alpha
) -> Float[Tensor, "*batch key"]:
    """[x − τ]₊^power, with a gradient of 0, and none of infinity, where that is 0; NaN of NaN."""
    gap = x - tau
    low = gap <= 0
    return gap.masked_fill(low, 1.0).pow(power).masked_fill(low, 0.0)


def newton_step(
    x: Float[Tensor, "*batch key"], tau: Float[Tensor, "*batch 1"], alpha: Alpha
) -> Float[Tensor, "*batch 1"]:
    """τ one step nearer to where the heights sum to 1."""
    power = 1 / (alpha - 1)
    gap = x - tau
    low = gap <= 0
    safe = gap.masked_fill(low, 1.0)
    excess = safe.pow(power).masked_fill(low, 0.0).sum(-1, keepdim=True) - 1
    return tau + excess / (power * safe.pow(power - 1).masked_fill(low, 0.0).sum(-1, keepdim=True))


@torch.no_grad()
def by_sorting(x: Float[Tensor, "*batch key"], alpha: float) -> Float[Tensor, "*batch 1"]:
    """τ of α = 1.5 (heights are squared gaps) or 2, of the largest number of keys that stand above it."""
    ordered = x.clamp_min(-1.0).sort(-1, descending=True).values
    count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    mean = ordered.cumsum(-1) / count
    if alpha == 1.5:
        spread = ordered.square().cumsum(-1) - count * mean.square()
        taus = mean - ((1 - spread) / count).clamp_min(0.0).sqrt()
    else:
        taus = mean - 1 / count
    support = (taus <= ordered).sum(-1, keepdim=True).clamp_min(1)
    return taus.gather(-1, support - 1)


@torch.no_grad()
def by_bisection(x: Float[Tensor, "*batch key"], alpha: Alpha) -> Float[Tensor, "*batch 1"]:
    """τ of any α, halved to the last digit of the numbers."""
    power, low = 1 / (alpha - 1), torch.full_like(x[..., :1], -1.0)
    width = torch.ones_like(low)
    for _ in range(2 - round(math.log2(torch.finfo(x.dtype).eps))):
        width = width / 2
        middle = low + width
        low = torch.where(heights(x, middle, power).sum(-1, keepdim=True) >= 1, middle, low)
    return low


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    alpha: Alpha = 1.5,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa = 1 over the visible keys, and exactly 0 below the threshold."""
    alpha = alpha.to(scores.dtype) if isinstance(alpha, Tensor) else alpha
    x = lowered(scores, visible, alpha)
    tau = by_bisection(x, alpha) if isinstance(alpha, Tensor) or alpha not in SORTED else by_sorting(x, alpha)
    for _ in range(2):
        tau = newton_step(x, tau, alpha)
    return heights(x, tau, 1 / (alpha - 1)).masked_fill(~visible, 0.0)


def slopes_of(pattern: Float[Tensor, "*batch key"], alpha: Alpha) -> Float[Tensor, "*batch key"]:
    """a^(2−α), 0 where a is."""
    dead = pattern == 0
    return pattern.masked_fill(dead, 1.0).pow(2 - alpha).masked_fill(dead, 0.0)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    alpha: Alpha = 1.5,
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = u (∂L/∂a − Σ u ∂L/∂a / Σ u), u = a^(2−α) (Peters et al. 2019, proposition 2)."""
    u = slopes_of(pattern, alpha)
    total = u.sum(-1, keepdim=True)
    mean = (u * grad_pattern).sum(-1, keepdim=True) / total.masked_fill(total == 0, 1.0)
    return u * (grad_pattern - mean)


def slope(
    pattern: Float[Tensor, "*batch query key"], scores: Float[Tensor, "*batch query key"], *, alpha: Alpha = 1.5
) -> Float[Tensor, "*batch query"]:
    """Σ u times the norm of a softmax whose weights are u / Σ u, u = a^(2−α)."""
    u = slopes_of(pattern, alpha)
    total = u.sum(-1, keepdim=True)
    return total.squeeze(-1) * softmax_slope(u / total.masked_fill(total == 0, 1.0), scores)


def kernel(*, alpha: float = 1.5, alpha_logit: Float[Tensor, "..."] | None = None) -> Options:
    """α, or 1 + σ(alpha_logit) of a tensor [head] or wider."""
    if alpha_logit is None:
        check_alpha(alpha)
        return {"alpha": alpha}
    return {"alpha": 1 + at_least_float32(over_cells(alpha_logit)).sigmoid().clamp_min(LEAST)}


def learned(options: Options, shape: LayerShape) -> dict[str, nn.Parameter]:
    """One logit per head [head], starting where 1 + σ of it is the fixed α."""
    if not options["learned"]:
        return {}
    share = options["alpha"] - 1
    return {"alpha_logit": nn.Parameter(torch.full((shape.n_heads,), math.log(share / (1 - share))))}


def check_alpha(alpha: object) -> None:
    if not is_finite_number(alpha) or alpha <= 1:
        raise ValueError(f"entmax: alpha is a finite number above 1, got {alpha!r}")


def check_options(options: Options) -> None:
    check_alpha(options["alpha"])
    if not isinstance(options["learned"], bool) or (options["learned"] and options["alpha"] >= 2):
        raise ValueError("entmax: learned is true or false, and a learned alpha starts between 1 and 2")


ENTMAX = Variant(
    name="entmax",
    paper="Peters et al. 2019, arXiv 1905.05702; Correia et al. 2019, arXiv 1909.00015",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=True,
    options={"alpha": 1.5, "learned": False},
    check_options=check_options,
    kernel=kernel,
    learned=learned,
    slope=slope,
    cases={
        "": {},
        "sparsemax": {"alpha": 2.0},
        "bisected": {"alpha": 1.25},
        "per head": {"alpha_logit": torch.tensor([-1.0, 0.0, 0.7, 1.5])},
    },
)

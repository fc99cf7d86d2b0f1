"""Forgetting attention: softmax(p_ts + Σ_{r=s+1..t} ln f_r), f_r = σ(w x_r + b) of each head (Lin et al. 2025, arXiv
2503.02130, eq. 3 and 4)."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

from headscope.models.attention.finite import is_finite_number
from headscope.models.attention.fused.blockwise import widened
from headscope.models.attention.fused.library_softmax import fused_softmax
from headscope.models.attention.fused.score_rule import ScoreRule, soft_capped
from headscope.models.attention.jacobian import softmax_slope
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.learned_part import Hidden, LearnedOption
from headscope.models.attention.masked import masked_softmax, softmax_pullback
from headscope.models.attention.options import Options, check_flags
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.variant import PreparedInputs, Variant
from headscope.models.attention.variants.softmax import SOFTMAX
from headscope.models.attention.visibility import visible_keys
from headscope.models.attention.widening import at_least_float32

LogForget = Float[Tensor, "#batch #head 1 key"] | float
KEPT = 7.0  # σ(7) = 0.999


def weigh(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    *,
    log_forget: LogForget = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """Non-negative weights, Σa = 1; log_forget: ln f of every key, 0 or less. What a query adds to all cancels."""
    return masked_softmax(scores - forgotten(log_forget, scores), visible)


def forgotten(log_forget: LogForget, scores: Float[Tensor, "batch head query key"]) -> Float[Tensor, "..."]:
    """Σ_{r ≤ s} ln f_r of every key s, in the numbers of the scores."""
    per_key = torch.as_tensor(log_forget, dtype=scores.dtype, device=scores.device)
    return per_key.expand(*(per_key.shape[:-1] or (1,)), scores.shape[-1]).cumsum(-1)


def pullback(
    scores: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    pattern: Float[Tensor, "batch head query key"],
    grad_pattern: Float[Tensor, "batch head query key"],
    *,
    log_forget: LogForget = 0.0,
) -> Float[Tensor, "batch head query key"]:
    """∂L/∂p = a ⊙ (∂L/∂a − Σ a ∂L/∂a), whatever was added to the scores."""
    return softmax_pullback(pattern, grad_pattern)


def slope(
    pattern: Float[Tensor, "*batch query key"],
    scores: Float[Tensor, "*batch query key"],
    *,
    log_forget: LogForget = 0.0,
) -> Float[Tensor, "*batch query"]:
    """That of softmax."""
    return softmax_slope(pattern, scores)


def fused_forgetting(
    variant: Variant, prepared: PreparedInputs, k: Float[Tensor, "batch kv_head key d_head"], rule: ScoreRule
) -> Float[Tensor, "batch head query d_value"]:
    """By torch's softmax: a column more of queries and keys adds each key's part to its scores.

    In float32 at least, since those parts grow with the prompt. A soft cap comes before them: then with the pattern.
    """
    prepared, k = widened(prepared, k)
    q, v, log_forget = prepared.q, prepared.v, prepared.kernel.get("log_forget", 0.0)
    if rule.soft_cap is not None or rule.scale == 0:
        visible = visible_keys(rule.mask, rule.causal, q.shape[2], k.shape[2], q.device)
        return weigh(soft_capped((q * rule.scale) @ k.mT, rule.soft_cap), visible, log_forget=log_forget) @ v
    lost = forgotten(log_forget, k[..., :1].mT).expand(*k.shape[:2], 1, k.shape[2]).mT
    column = torch.full_like(q[..., :1], 1 / rule.scale)
    longer = replace(prepared, q=torch.cat([q, column], -1), v=pad(v, (0, 1)), kernel={})
    return fused_softmax(SOFTMAX, longer, torch.cat([k, -lost], -1), rule)[..., :-1]


class ForgetGate(LearnedOption):
    """ln σ(W x + b) of every token and head; remembers nearly all at first, as b says.

    start: b of every head.
    """

    reads_hidden = True

    def __init__(self, shape: LayerShape, start: float) -> None:
        super().__init__()
        self.projection = nn.Linear(shape.model_width, shape.n_heads)
        nn.init.zeros_(self.projection.weight)
        nn.init.constant_(self.projection.bias, start)

    def still(self) -> None:
        """Start with nothing forgotten to three digits, for a model that was trained without."""
        nn.init.constant_(self.projection.bias, KEPT)

    def forward(self, hidden: Hidden | None) -> Float[Tensor, "batch head 1 key"]:
        """[batch, head, 1, key]."""
        assert hidden is not None
        return logsigmoid(at_least_float32(self.projection(hidden))).mT[:, :, None]


def learned(options: Options, shape: LayerShape) -> dict[str, ForgetGate]:
    """The gate, unless the layer forgets by a number of its own."""
    return {"log_forget": ForgetGate(shape, options["start"])} if options["learned"] else {}


def check_options(options: Options) -> None:
    for name in ("log_forget", "start"):
        if not is_finite_number(options[name]):
            raise ValueError(f"forgetting: {name} is a finite number, got {options[name]!r}")
    if options["log_forget"] > 0:
        raise ValueError(f"forgetting: log_forget is ln f of a gate, 0 or less, got {options['log_forget']!r}")
    check_flags("forgetting", options, "learned")


FORGETTING = Variant(
    name="forgetting",
    paper="Lin et al. 2025, arXiv 2503.02130",
    weigh=weigh,
    pullback=pullback,
    row_law=RowLaw.STOCHASTIC,
    invariant_to_key_translation=True,
    reads_order=True,
    options={"learned": True, "start": 3.0, "log_forget": 0.0},
    check_options=check_options,
    learned=learned,
    fused=fused_forgetting,
    slope=slope,
    without={"forget": masked_softmax},
    cases={"": {}, "at a rate": {"log_forget": -0.3}},
)

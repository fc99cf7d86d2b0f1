"""What an attention variant is: one frozen record, filled in by one small file per variant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.tiled import tiled_attention

Scores = Float[Tensor, "batch head query key"]
Pattern = Float[Tensor, "batch head query key"]
Visible = Bool[Tensor, "#batch #head query key"]
Parity = Literal["odd", "even"] | None


@dataclass(frozen=True)
class Prepared:
    """Queries and values as the kernel will see them, and the options left for the kernel itself."""

    q: Float[Tensor, "batch head query d_head"]
    v: Float[Tensor, "batch head key d_head"]
    kernel: Mapping[str, Any] = field(default_factory=dict)


def as_given(
    q: Float[Tensor, "batch head query d_head"], v: Float[Tensor, "batch head key d_value"], **options: Any
) -> Prepared:
    """Most variants act on the scores alone: queries, values and options pass unchanged."""
    return Prepared(q, v, options)


def inverse_root_d_head(d_head: int) -> float:
    """The usual scale of the dot product, 1/√d_head (Vaswani 2017, eq. 1)."""
    return d_head**-0.5


@dataclass(frozen=True)
class Variant:
    """One way of turning scores into weights; the forward pass around it is the same for all.

    weigh(scores, visible, **kernel) -> pattern: masked entries and rows without a visible key are exactly 0.
    pullback(scores, visible, pattern, grad_pattern, **kernel) -> grad_scores: the closed-form gradient of weigh.
    options: every option with its default, plain values only, as an AttentionSpec stores them.
    call_options: the options of `attend` for this variant.
    fused: the exact path without a query × key matrix; by strips, unless a library has it.
    parity(options): "odd" when flipping a head's (W_Q, W_V) changes nothing, "even" when flipping W_Q does not.
    """

    name: str
    paper: str
    weigh: Callable[..., Pattern]
    pullback: Callable[..., Scores]
    non_negative: bool
    rows_sum_to_one: bool
    invariant_to_key_translation: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    call_options: tuple[str, ...] = ()
    check_options: Callable[[Mapping[str, Any]], None] = lambda options: None
    parity: Callable[[Mapping[str, Any]], Parity] = lambda options: None
    prepare: Callable[..., Prepared] = as_given
    default_scale: Callable[[int], float] = inverse_root_d_head
    fused: Callable[..., Float[Tensor, "batch head query d_value"]] = tiled_attention

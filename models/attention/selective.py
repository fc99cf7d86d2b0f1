"""Selective self-attention: softmax(τ_q · S/√d) over values τ_v · V (Zhang et al. 2024, arXiv 2411.12892)."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.fused_softmax import fused_softmax
from headscope.models.attention.shapes import check_temperature
from headscope.models.attention.softmax import pullback, weigh
from headscope.models.attention.variant import Prepared, Variant
from headscope.models.io.near_names import known_names

POSITIONS = ("paper", "paper_code", "none")


def per_head(
    temperature: Float[Tensor, "#batch kv_or_one pos"], x: Float[Tensor, "batch head pos d_head"]
) -> Float[Tensor, "batch head pos d_head"]:
    """x scaled by a temperature per position; one head serves all, fewer heads serve groups. Kept in float32."""
    spread = temperature.repeat_interleave(x.shape[1] // temperature.shape[1], dim=1)
    return x * spread.unsqueeze(-1).to(x.dtype)


def prepare(
    q: Float[Tensor, "batch head query d_head"],
    v: Float[Tensor, "batch head key d_value"],
    *,
    temperature_q: Float[Tensor, "..."] | None = None,
    temperature_v: Float[Tensor, "..."] | None = None,
) -> Prepared:
    """Queries times τ_q, the inverse temperature of their row; values times τ_v."""
    for name, tau, x in (("temperature_q", temperature_q, q), ("temperature_v", temperature_v, v)):
        if tau is not None:
            check_temperature(name, tau, x)
    return Prepared(
        q if temperature_q is None else per_head(temperature_q, q),
        v if temperature_v is None else per_head(temperature_v, v),
    )


def check_options(options: Mapping[str, Any]) -> None:
    if options["position"] not in POSITIONS:
        known = known_names(options["position"], POSITIONS)
        raise ValueError(f"selective: unknown position {options['position']!r}; known: {known}")
    for name in ("token", "on_query", "on_value"):
        if not isinstance(options[name], bool):
            raise ValueError(f"selective: {name} is true or false, got {options[name]!r}")


SELECTIVE = Variant(
    name="selective",
    paper="Zhang et al. 2024, arXiv 2411.12892",
    weigh=weigh,
    pullback=pullback,
    non_negative=True,
    rows_sum_to_one=True,
    invariant_to_key_translation=True,
    fused=fused_softmax,
    options={"position": "paper", "token": True, "on_query": True, "on_value": True},
    call_options=("temperature_q", "temperature_v"),
    check_options=check_options,
    prepare=prepare,
)

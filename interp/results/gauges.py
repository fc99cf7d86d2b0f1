"""Gauges: the changes of weights that leave a model's function alone, and which of them a kernel has."""

from collections.abc import Collection
from typing import Literal

from headscope.models.attention import variant_named
from headscope.models.attention.options import Options

Gauge = Literal["odd", "even", "scale", "translation", "query_key", "basis", "logits"]
MEANINGS: dict[Gauge, str] = {
    "odd": "(W_Q, W_V) → −(W_Q, W_V), or (c, W_V) → −(c, W_V) of a learned coefficient c",
    "even": "W_Q → −W_Q",
    "scale": "(W_Q, W_V) → (λ W_Q, λ^(−power) W_V), or (c, W_V) → (λ c, W_V / λ)",
    "translation": "b_K → b_K + δ",
    "query_key": "(W_Q, W_K) → (W_Q G, W_K G⁻ᵀ), with a G that commutes with the model's rotation",
    "basis": "(W_V, W_O) → (W_V G, G⁻¹ W_O)",
    "logits": "W_U → W_U + u 1ᵀ, which adds the same to all logits",
}


def kernel_gauges(
    variant: str, options: Options, *, is_capped: bool = False, is_rotated: bool = True
) -> tuple[Gauge, ...]:
    """Those of a head whose kernel is this variant with these options, apart from those that no kernel decides.

    is_capped: a soft cap on the scores, which leaves the size and the offset of a score no freedom. is_rotated: every
    entry of a key is turned with its position, so that no vector can be added to all keys.
    """
    row = variant_named(variant)
    parity, has_factor = row.parity(options), row.learns_factor(options)
    has: dict[Gauge, bool] = {
        "odd": parity in ("odd", "either") or has_factor,
        "even": parity in ("even", "either"),
        "scale": has_factor or (row.degree(options) is not None and not is_capped),
        "translation": row.invariant_to_key_translation and not is_capped and not is_rotated,
    }
    return tuple(gauge for gauge, there in has.items() if there)


def merged_gauges(gauges: Collection[Collection[Gauge]]) -> tuple[Gauge, ...]:
    """All of some layers', once each."""
    return tuple(dict.fromkeys(gauge for of_layer in gauges for gauge in of_layer))

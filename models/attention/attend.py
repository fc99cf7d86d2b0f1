"""Any variant on anybody's tensors: the one functional form."""

from collections.abc import Iterable

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.attention.finite import check_entries, check_scale
from headscope.models.attention.run import Attention, Inputs, attention_of
from headscope.models.attention.shapes import check_causal, check_shapes
from headscope.models.attention.table import variant_named
from headscope.models.attention.variant import Variant
from headscope.models.io.near_names import known_names


def attend(
    variant: str,
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch kv_head key d_head"],
    v: Float[Tensor, "batch kv_head key d_value"],
    *,
    mask: Bool[Tensor, "..."] | None = None,
    causal: bool = True,
    scale: float | None = None,
    need_pattern: bool = True,
    **options: object,
) -> Attention:
    """Attention of a named variant (definitions and papers in the variant's own file).

    mask: True where a key is visible, broadcastable to [batch, head, query, key]; causal hides the future besides,
    the queries being the last ones of the keys. Keys may have fewer heads than queries (grouped). scale: factor of
    the dot product, any finite number, 1/√d_head unless the variant has another default.
    need_pattern=False takes an exact path that keeps no query × key matrix and has first derivatives only.
    options: those of VARIANTS[variant].call_options, which the kernel of the variant's own file takes; of one that
    learns temperatures, temperature_q [batch or 1, head or 1, query], temperature_v [batch or 1, head or 1, key].

    Raises ValueError for an unknown variant or option, for scales, coefficients and temperatures that are no finite
    numbers, and for tensors that do not fit each other.
    """
    row = variant_named(variant)
    refuse_unknown_options(row, options)
    check_shapes(q, k, v, mask)
    if causal:
        check_causal(q.shape[2], k.shape[2])
    check_entries(row.name, options)
    factor = row.scale_of(row.options, q.shape[-1] ** -0.5) if scale is None else scale
    check_scale(row.name, factor)
    return attention_of(row, Inputs(q, k, v, mask, causal, factor), options, need_pattern)


def refuse_unknown_options(variant: Variant, options: Iterable[str]) -> None:
    """Refuse an option that the variant does not have, with those that it has."""
    unknown = [name for name in options if name not in variant.call_options]
    if unknown:
        known = known_names(unknown[0], variant.call_options)
        raise ValueError(f"{variant.name}: unknown option {unknown[0]!r}; known: {known}")

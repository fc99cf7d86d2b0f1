"""The function that transformers calls instead of its softmax attention, and the mask it is handed."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from headscope.models.attention.finite import check_scale, check_soft_cap
from headscope.models.attention.run import Inputs, KernelSurroundings, attention_in_float32
from headscope.models.hosts.added_to_scores import refuse_lost_window, refuse_unknown_keywords
from headscope.models.hosts.attention_layer import AttentionLayer
from headscope.models.hosts.families import hides_the_future
from headscope.models.hosts.watched_calls import Call, tell

NAME = "headscope"
HIDDEN = -1e4
Temperature = Float[Tensor, "batch 1 query"]


def register() -> None:
    """Make the name known to transformers; calling it again changes nothing."""
    AttentionInterface.register(NAME, variant_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def variant_attention(
    module: nn.Module,
    query: Float[Tensor, "batch head query d_head"],
    key: Float[Tensor, "batch kv_head key d_head"],
    value: Float[Tensor, "batch kv_head key d_head"],
    attention_mask: Shaped[Tensor, "..."] | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    temperature_q: Temperature | Callable[[], Temperature] | None = None,
    visible_count: Int[Tensor, "batch_or_one total"] | None = None,
    need_pattern: bool = False,
    **others: object,
) -> tuple[Float[Tensor, "batch query head d_head"], Float[Tensor, "batch head query key"] | None]:
    """Attention by the variant that hangs on the module; transformers' attention-interface signature.

    A mask of None means the causal rule where the module is causal (keys behind the queries are then empty slots of a
    static cache), and that every key is visible where it is not.
    temperature_q may be a function, called now that the queries were projected.
    is_causal: what the call says instead of the module. The pattern is returned only when it is asked for.
    Raises ValueError for keywords that no variant computes with.
    """
    refuse_unknown_keywords(others)
    causal = attention_mask is None and (hides_the_future(module) if is_causal is None else is_causal)
    if causal and query.shape[2] > 1:
        key, value = key[:, :, : query.shape[2]], value[:, :, : query.shape[2]]
    refuse_lost_window(sliding_window, attention_mask is not None, key.shape[2])
    layer, mask = variant_of(module), as_boolean(attention_mask)
    scale = layer.scale(query.shape[-1] ** -0.5 if scaling is None else scaling)
    check_scale(layer.variant.name, scale)
    count = None if visible_count is None else counts_of_keys(visible_count, key.shape[2])
    tempered = temperature_q() if callable(temperature_q) else temperature_q
    options = layer.call_options(value, tempered, count)
    inputs = Inputs(query, key, value, mask, causal, scale)
    tell(Call(layer.number, layer.variant, inputs, options, softcap))
    result = attention_in_float32(layer.variant, inputs, options, need_pattern, around_kernel(softcap, dropout))
    pattern = None if result.pattern is None else result.pattern.to(query.dtype)
    return result.output.transpose(1, 2).contiguous(), pattern


def variant_of(module: nn.Module) -> AttentionLayer:
    """The layer that attach hung on an attention module."""
    layer = getattr(module, "variant", None)
    if layer is None:
        raise ValueError(
            f"this model's config asks for {NAME} attention, but nothing is attached to a {type(module).__name__} of "
            "it: attach(model, spec), or model.set_attn_implementation('sdpa') for softmax"
        )
    return layer


def around_kernel(softcap: float | None, dropout: float) -> KernelSurroundings | None:
    """Gemma 2's soft cap on the scores and dropout on the weights, where a model has either."""
    check_soft_cap("attention", softcap)
    if softcap is None and dropout == 0.0:
        return None
    return KernelSurroundings(
        scores=lambda scores: scores if softcap is None else softcap * torch.tanh(scores / softcap),
        weights=lambda weights: nn.functional.dropout(weights, p=dropout),
    )


def as_boolean(mask: Shaped[Tensor, "..."] | None) -> Bool[Tensor, "..."] | None:
    """True where visible; an additive mask has 0 there and −1e4 or less where a key is hidden, and nothing else."""
    if mask is None or mask.dtype == torch.bool:
        return mask
    if not mask.is_floating_point() or not ((mask == 0) | (mask <= HIDDEN)).all():
        raise ValueError(
            "a prepared attention mask is boolean, or additive with 0 where a key is visible and -1e4 or less where it "
            f"is hidden; got {mask.dtype} with values from {mask.min().item():g} to {mask.max().item():g}"
        )
    return mask == 0


def counts_of_keys(count: Int[Tensor, "batch_or_one total"], n_key: int) -> Int[Tensor, "batch_or_one key"]:
    """Counts of the keys a layer holds: a sliding window keeps the last, a static cache has empty slots behind."""
    missing = n_key - count.shape[1]
    return count[:, -n_key:] if missing <= 0 else nn.functional.pad(count, (0, missing), value=1)

"""The function that transformers calls instead of its softmax attention, and the mask it is handed."""

from collections.abc import Callable, Mapping
from functools import partial

from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from headscope.models.attention.finite import check_scale, check_soft_cap
from headscope.models.attention.options import Options
from headscope.models.attention.run import Inputs, at_least_float32, attention_of
from headscope.models.attention.temperature import TEMPERATURES
from headscope.models.hosts.added_to_scores import refuse_lost_window, refuse_unknown_keywords
from headscope.models.hosts.attention_layer import AttentionLayer
from headscope.models.hosts.families import hides_the_future
from headscope.models.seam.boolean_mask import as_boolean
from headscope.models.seam.factors import GATE, QUERY_SCALE
from headscope.models.seam.hooked_kernel import Surroundings
from headscope.models.seam.model_pass import HOOKS, Hooks, ModelPass, current_pass
from headscope.models.seam.own_attention import NAME
from headscope.models.seam.watched_calls import Call, tell, tell_output

Temperature = Float[Tensor, "batch 1 query"]
Parts = Mapping[str, Tensor]
Output = Float[Tensor, "batch head query d_value"]


def register() -> None:
    """Make the name known to transformers; calling it again changes nothing."""
    AttentionInterface.register(NAME, variant_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def variant_attention(
    module: nn.Module,
    query: Float[Tensor, "batch head query d_head"],
    key: Float[Tensor, "batch kv_head key d_head"],
    value: Float[Tensor, "batch kv_head key d_value"],
    attention_mask: Shaped[Tensor, "..."] | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    temperature_q: Temperature | Callable[[], Temperature] | None = None,
    visible_count: Int[Tensor, "batch_or_one total"] | None = None,
    need_pattern: bool = False,
    input_parts: Parts | Callable[[], Parts] | None = None,
    **others: object,
) -> tuple[Float[Tensor, "batch query head d_value"], Float[Tensor, "batch head query key"] | None]:
    """Attention by the variant that hangs on the module; transformers' attention-interface signature.

    A mask of None means the causal rule where the module is causal (keys behind the queries are then empty slots of a
    static cache), and that every key is visible where it is not.
    temperature_q and input_parts may be functions, called now that the queries were projected.
    is_causal: what the call says instead of the module. The pattern is returned only when it is asked for.
    Raises ValueError for keywords that no variant computes with.
    """
    layer, mask, hooks, current = variant_of(module), as_boolean(attention_mask), HOOKS.get(), current_pass()
    refuse_unknown_keywords(others, layer.variant.handed)
    causal = mask is None and (hides_the_future(module) if is_causal is None else is_causal)
    if causal and query.shape[2] > 1:
        key, value = key[:, :, : query.shape[2]], value[:, :, : query.shape[2]]
    refuse_lost_window(sliding_window, mask is not None, key.shape[2])
    scale = layer.scale(query.shape[-1] ** -0.5 if scaling is None else scaling)
    check_scale(layer.variant.name, scale)
    soft_cap = layer.soft_cap if softcap is None else softcap
    check_soft_cap("attention", soft_cap)
    if hooks is not None:
        query = scaled_again(hooks, layer.number, query)
        places = {"hook_rot_q": query, "hook_rot_k": key, "hook_v": value}
        query, key, value = (edited(hooks, layer.number, name, place) for name, place in places.items())
    total = current.visible_count if visible_count is None else visible_count
    count = None if total is None else counts_of_keys(total, key.shape[2])
    tempered = query_temperature(layer, current, count) if temperature_q is None else temperature_q
    parts = current.input_parts.get(layer.number, {}) if input_parts is None else input_parts
    parts = hooked_parts(layer, hooks, parts() if callable(parts) else parts)
    options = layer.call_options(value, tempered() if callable(tempered) else tempered, count, parts)
    if hooks is not None and layer.variant.learns_temperatures:
        value, options = with_temperature_hooks(hooks, layer.number, value, options)
    options = {**options, **layer.handed_options(others)}
    if hooks is not None and layer.variant.option_hooks:
        options = layer.edited_options(options, query.shape[:3], partial(hooks.edit, layer.number))
    call = Call(layer.number, layer.variant, Inputs(query, key, value, mask, causal, scale, soft_cap), options)
    tell(call)
    around = Surroundings(call.layer, dropout, hooks)
    return call_result(call, around, need_pattern or current.need_pattern, partial(multiplied, layer, hooks, parts))


def call_result(
    call: Call, around: Surroundings, need_pattern: bool, finish: Callable[[Output], Output]
) -> tuple[Float[Tensor, "batch query head d_value"], Float[Tensor, "batch head query key"] | None]:
    """Output and pattern, in the number format of the queries, as transformers takes them."""
    result = attention_of(call.variant, call.given, call.options, need_pattern, around.around_kernel())
    pattern = None if result.pattern is None else result.pattern.to(call.given.q.dtype)
    tell_output(call.layer, result.output)
    hooks, output = around.hooks, finish(result.output)
    output = output if hooks is None else edited(hooks, call.layer, "hook_z", output)
    by_position = output.transpose(1, 2).contiguous()
    if hooks is not None and hooks.factors is not None:
        hooks.factors.give(by_position, partial(hooks.edit, call.layer, GATE))
    return by_position, pattern


def scaled_again(
    hooks: Hooks, layer: int, query: Float[Tensor, "batch head query d_head"]
) -> Float[Tensor, "batch head query d_head"]:
    """Queries by the scale that a hook leaves of the one that their module gave each position, where it did."""
    scale = None if hooks.factors is None else hooks.factors.query_scale(query)
    if scale is None:
        return query
    change = hooks.edit(layer, QUERY_SCALE, scale.clone()) / scale
    return (query * change[..., None]).to(query.dtype)


def multiplied(layer: AttentionLayer, hooks: Hooks | None, parts: Parts, output: Output) -> Output:
    """The weighted sums of values times the layer's factor of them, as hook_gate leaves that."""
    factor = layer.output_factor(output, parts)
    if factor is None:
        return output
    factor = factor if hooks is None else edited(hooks, layer.number, "hook_gate", factor)
    return (output * factor).to(output.dtype)


def hooked_parts(layer: AttentionLayer, hooks: Hooks | None, parts: Parts) -> Parts:
    """What the layer made of its input, the options of the kernel as their hooks leave them, [batch, key, head]."""
    if hooks is None:
        return parts
    names = layer.reads_hidden
    own = {name: value[:, :, 0].mT for name, value in parts.items() if name in names}
    return {**parts, **{name: hooks.edit(layer.number, f"hook_{name}", own[name]).mT[:, :, None] for name in own}}


def edited(
    hooks: Hooks, layer: int, name: str, value: Float[Tensor, "batch head pos d"]
) -> Float[Tensor, "batch head pos d"]:
    """What a hook of [batch, pos, head, d] leaves of a tensor that has the heads first."""
    return hooks.edit(layer, name, value.transpose(1, 2)).transpose(1, 2)


def with_temperature_hooks(
    hooks: Hooks, layer: int, value: Float[Tensor, "batch kv_head key d_value"], options: Options
) -> tuple[Float[Tensor, "batch kv_head key d_value"], Options]:
    """The values after their temperature, and the options without it; all three as hooks leave them."""
    tau_q, tau_v = (options.get(name) for name in TEMPERATURES)
    hooked_q = None if tau_q is None else hooks.edit(layer, "hook_temperature_q", tau_q)
    if tau_v is not None:
        tempered = at_least_float32(value) * hooks.edit(layer, "hook_temperature_v", tau_v)[..., None]
        value = edited(hooks, layer, "hook_tempered_v", tempered)
    return value, {**options, "temperature_q": hooked_q, "temperature_v": None}


def query_temperature(
    layer: AttentionLayer, current: ModelPass, count: Int[Tensor, "batch_or_one key"] | None
) -> Temperature | None:
    """τ_q of the queries that this pass projected, where the family hands nothing down by keyword."""
    query = current.queries.get(layer.number)
    if layer.temperature_q is None or query is None or count is None:
        return None
    return layer.temperature_q(query, count[:, -query.shape[1] :])


def variant_of(module: nn.Module) -> AttentionLayer:
    """The layer that attach hung on an attention module."""
    layer = getattr(module, "variant", None)
    if layer is None:
        raise ValueError(
            f"this model's config asks for {NAME} attention, but nothing is attached to a {type(module).__name__} of "
            "it: attach(model, spec), or model.set_attn_implementation('sdpa') for softmax"
        )
    return layer


def counts_of_keys(count: Int[Tensor, "batch_or_one total"], n_key: int) -> Int[Tensor, "batch_or_one key"]:
    """Counts of the keys a layer holds: a sliding window keeps the last, a static cache has empty slots behind."""
    missing = n_key - count.shape[1]
    return count[:, -n_key:] if missing <= 0 else nn.functional.pad(count, (0, missing), value=1)

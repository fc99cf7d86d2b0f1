"""Row curves of a hooked model: one run, every layer measured while it runs, nothing but the curves kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.model_facts import layer_gauges
from headscope.interp.reading.prompt import Prompt, batch_of, last_logits_alone
from headscope.interp.rows.curves import RowCurves, curves_of
from headscope.interp.rows.reading import NO_KERNEL, TOP, Reading, Rows, rows_of
from headscope.interp.rows.strips import rows_of_call
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.attention_layer import AttentionLayer
from headscope.models.seam.hooked_kernel import visible_cells
from headscope.models.seam.watched_calls import watched_calls

Keep = Callable[[Rows], None]


@torch.no_grad()
def model_row_curves(model: HookedModel, tokens: Prompt, top: int = TOP) -> RowCurves:
    """row_curves of a hooked model's prompt, on the CPU, in memory that grows with the prompt, not its square.

    Layers that `patternless` has to leave alone (soft caps, layers with hooks on their scores) form their pattern; it
    is measured and let go before the next layer runs. Hooks are state: the caller lets one run in at a time.
    """
    layers: dict[int, Rows] = {}

    def keeping(layer: int) -> Keep:
        def keep(rows: Rows) -> None:
            layers[layer] = Rows(rows.reading, {name: values.cpu() for name, values in rows.measures.items()})

        return keep

    plain = [layer for layer in head_layers(model) if model.blocks[layer].attn.needs_pattern]
    hooks = [hook for layer in plain for hook in pattern_hooks(model, layer, top, keeping(layer))]
    with patternless(), watched_calls(lambda call: keeping(call.layer)(rows_of_call(call, top))):
        model.run_with_hooks(batch_of(model, [tokens]), fwd_hooks=hooks, **last_logits_alone(tokens))
    curves = curves_of([layers[layer] for layer in head_layers(model)])
    curves = curves if tokens.is_ordered else without_order(curves)
    return replace(curves, labels={"query": tokens.strings})


def without_order(curves: RowCurves) -> RowCurves:
    """The same without what is read off the order of tokens, NaN: patches stand in a plane, not one after the other."""
    names = ("mean_distance", "previous_token_mass")
    ordered = [name for name in names for name in (name, f"{name}_null")]
    return replace(curves, **{name: torch.full_like(getattr(curves, name), torch.nan) for name in ordered})


def pattern_hooks(model: HookedModel, layer: int, top: int, keep: Keep) -> list[tuple[str, Callable[..., None]]]:
    """Hooks of a layer that forms its pattern: the scores wait for it, and both are let go when they were measured."""
    scores: list[Tensor] = []
    attention = model.blocks[layer].attn

    def measure(pattern: Float[Tensor, "1 head query key"], hook: object) -> None:
        keep(rows_of_pattern(attention, scores.pop(), pattern, top))

    name = f"blocks.{layer}.attn"
    return [(f"{name}.hook_attn_scores", lambda p, hook: scores.append(p)), (f"{name}.hook_pattern", measure)]


def rows_of_pattern(
    attention: Any,
    scores: Float[Tensor, "1 head query key"],
    pattern: Float[Tensor, "1 head query key"],
    top: int,
) -> Rows:
    """The rows of a pattern that a hooked layer formed; every head has the same mask. A mixer has no kernel."""
    layer: AttentionLayer | None = attention.layer
    known = NO_KERNEL if layer is None else Reading(layer.variant.name, layer.kernel(), gauges=layer_gauges(attention))
    reading = replace(known, top=top)
    n_query, n_key = pattern.shape[-2:]
    position = torch.arange(n_key - n_query, n_key, device=pattern.device)
    return Rows(reading, rows_of(reading, pattern, scores, visible_cells(scores[:, :1]), position))

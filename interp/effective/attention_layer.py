"""Attention layer: how a layer with heads mixed a prompt, with what stands between its weights and its output."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.effective.layer_mixing import LayerMixing
from headscope.interp.effective.output_gate import OutputGate, entries_between
from headscope.interp.heads.attention_run import KeptLayers, layers_with_patterns
from headscope.interp.heads.layer_attention import LayerAttention
from headscope.interp.reading.hooked_model import Hook, HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of, last_logits_alone
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention import variant_named
from headscope.models.attention.widening import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.seam.watched_calls import Call, watched_calls, watched_outputs

TAU, READ, GATE = "hook_temperature_v", "o.hook_in", "hook_gate"


@dataclass(frozen=True)
class TemperedWeights:
    """The weights of attention times the temperature of each value, where the layer learned one."""

    attention: LayerAttention
    tau: Float[Tensor, "head_or_one key"]
    count: int

    def rows(self, heads: slice, rows: Int[Tensor, "row"]) -> Float[Tensor, "head row key"]:
        """Those of some heads."""
        weights = [self._padded(self.attention.weights(heads, slice(row, row + 1))) for row in rows.tolist()]
        return torch.cat(weights, 1) * (self.tau if len(self.tau) == 1 else self.tau[heads])[:, None]

    def visible(self, rows: Int[Tensor, "row"]) -> Bool[Tensor, "row key"]:
        """Which keys the rows see."""
        return torch.cat([self._padded(self.attention.visible(slice(row, row + 1))) for row in rows.tolist()])

    def _padded(self, cells: Tensor) -> Tensor:
        return torch.nn.functional.pad(cells, (0, self.count - cells.shape[-1]))


@torch.no_grad()
def attention_layer(model: HookedModel, prompt: Prompt, layer: int) -> LayerMixing:
    """How one layer with heads mixed a prompt. Hooks are state: the caller lets one run in at a time."""
    attention: Any = model.blocks[layer].attn
    kept = KeptLayers(model.cfg.n_layers, (layer,), pattern_kept(model, layer), lambda *stage: None)
    tensors: dict[str, Tensor] = {}
    hooks = [keeping(tensors, layer, name) for name in (values_hook(attention), TAU, READ) if there(model, layer, name)]

    def keep_call(call: Call) -> None:
        if call.layer == layer:
            kept.keep_call(call)

    def keep_output(at: int, output: Tensor) -> None:
        if at == layer:
            tensors["output"] = output[0].transpose(0, 1).cpu().clone()

    with patternless(), watched_calls(keep_call), watched_outputs(keep_output):
        batch = batch_of(model, [prompt])
        model.run_with_hooks(batch, fwd_hooks=[*kept.hooks(), *hooks], **last_logits_alone(prompt))
    return mixing_of(model, layer, kept.attention[layer], tensors)


def pattern_kept(model: HookedModel, layer: int) -> tuple[int, ...]:
    """The layer, where its queries and keys do not tell its weights."""
    return (layer,) if layer in layers_with_patterns(model) else ()


def values_hook(attention: Any) -> str:
    """The hook of values before their temperature."""
    return "v.hook_out" if attention.layer.temperature_v is not None else "hook_v"


def there(model: HookedModel, layer: int, name: str) -> bool:
    """Whether a layer's attention has such a hook."""
    return f"blocks.{layer}.attn.{name}" in model.hook_dict


def keeping(tensors: dict[str, Tensor], layer: int, name: str) -> Hook:
    """A hook that keeps a tensor of one prompt under its name."""

    def keep(value: Tensor, hook: object) -> None:
        tensors[name] = value[0].detach().cpu().clone()

    return (f"blocks.{layer}.attn.{name}", keep)


def mixing_of(model: HookedModel, layer: int, attention: LayerAttention, tensors: dict[str, Tensor]) -> LayerMixing:
    """The mixing of a layer from what its hooks held."""
    module = model.blocks[layer].attn
    values = at_least_float32(tensors[values_hook(module)])
    by_head = values.repeat_interleave(model.cfg.n_heads // values.shape[1], 1)
    tau = at_least_float32(tensors.get(TAU, torch.ones(1, len(values))))
    by_group = tau if len(tau) == 1 else tau.repeat_interleave(model.cfg.n_heads // len(tau), 0)
    weights, variant = TemperedWeights(attention, by_group, len(values)), variant_named(module.layer.variant.name)
    if "output" not in tensors and there(model, layer, GATE):  # of a layer that formed its pattern for a hook
        every = weights.rows(slice(0, model.cfg.n_heads), torch.arange(len(values)))
        tensors["output"] = torch.einsum("hts,she->the", every, by_head)
    gate = gate_of_heads(model, layer, tensors)
    output = tensors.get("output")
    return LayerMixing(f"{variant.name} attention", variant.paper, weights, by_head, gate, output)


def gate_of_heads(model: HookedModel, layer: int, tensors: dict[str, Tensor]) -> OutputGate | None:
    """What W_O reads over what the heads gave, where both are known and differ (Qwen3-Next).

    Raises ValueError where there is a gate and what W_O reads is not seen.
    """
    if not {"output", READ} <= tensors.keys():
        if there(model, layer, GATE):
            raise ValueError(f"what heads of layer {layer} put out is gated, and what W_O reads of it is not seen")
        return None
    output = at_least_float32(tensors["output"])
    entries = entries_between(output, at_least_float32(tensors[READ].reshape(output.shape)))
    if entries is None:
        return None
    weights = head_weights(model)
    weights.refuse_misread("W_O")
    return OutputGate(entries, weights.W_O[weights.of_head(layer, 0)[0]])

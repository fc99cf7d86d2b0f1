"""Carrying attention: what every attention bridge knows of the variant that `attach` hung on the module behind it."""

from typing import Any

from transformer_lens.hook_points import HookPoint
from transformer_lens.model_bridge.generalized_components import AttentionBridge

from headscope.models.hosts.attention_layer import AttentionLayer


class CarryingAttention(AttentionBridge):
    """Abstract: transformer-lens's attention around a module that carries a variant."""

    @property
    def attention_module(self) -> Any:
        """transformers' own attention module; what it calls its parts is its family's own."""
        return self.original_component

    @property
    def layer(self) -> AttentionLayer:
        """The variant that `attach` hung on the wrapped attention module."""
        return self.attention_module.variant

    def add_option_hooks(self) -> None:
        """Hook points for the options of the kernel that the variant shows, [batch, head, query] (hook_sink)."""
        for name in self.layer.variant.option_hooks:
            setattr(self, name, temperature_hook())

    @property
    def keeps_constant_values(self) -> bool:
        """Whether Σ_s pattern[t, s] · c is c for a constant c, as the folding of value biases assumes."""
        plain = self.layer.temperature_v is None and not self.layer.has_factor
        return self.layer.variant.rows_sum_to_one and plain

    def add_part_hooks(self) -> None:
        """hook_gate, where what heads put out is multiplied; a hook of every kernel option that reads hidden states."""
        if self.layer.has_factor:
            self.hook_gate = HookPoint()
        for name in self.layer.reads_hidden:
            setattr(self, f"hook_{name}", HookPoint())

    @property
    def part_hooks(self) -> tuple[HookPoint, ...]:
        """Those that add_part_hooks made."""
        names = ("gate", *self.layer.reads_hidden)
        points = (vars(self)["_modules"].get(f"hook_{name}") for name in names)
        return tuple(point for point in points if point is not None)


def temperature_hook() -> HookPoint:
    """A hook point for [batch, head or 1, pos]."""
    hook = HookPoint()
    hook.pos_dim = 2
    return hook

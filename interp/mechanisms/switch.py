"""Switch: a mechanism of a layer's attention taken out of some heads by hooks, or dealt anew for a null."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.reading.hooked_model import Hook, HookedModel
from headscope.interp.reading.mechanisms import GATE, NEGATIVE, OF_TEMPERATURES, mechanisms
from headscope.models.attention.fused.score_rule import soft_capped
from headscope.models.hosts.attention_layer import AttentionLayer
from headscope.models.io.near_names import known_names
from headscope.models.seam.hooked_kernel import unmasked, visible_cells


def refuse_absent_mechanism(model: HookedModel, name: str) -> None:
    """Raise ValueError for a mechanism that the model does not have."""
    there = mechanisms(model)
    if name not in there:
        known = known_names(name, there) if there else "none: its rows are softmax's"
        raise ValueError(f"without={name!r} was asked for, and this model has no such mechanism; it has: {known}")


@dataclass
class Switch:
    """A mechanism of one layer: row i of a batch goes without it in head heads[i], or all rows in every head.

    dice: where it is given, the same changes are dealt at random instead: those of a row of weights to other keys,
    those of a gate to other positions.
    """

    model: HookedModel
    layer: int
    name: str
    heads: Sequence[int] | None = None
    dice: torch.Generator | None = None
    change: Float[Tensor, "batch head"] | None = None

    def hooks(self) -> list[Hook]:
        """On the gate, or on scores and pattern."""
        place = f"blocks.{self.layer}.attn"
        if self.name == GATE:
            return [(f"{place}.hook_gate", self._gated)]
        self._temperatures: dict[str, Tensor] = {}
        seen = [name for name in OF_TEMPERATURES if hasattr(self.attention, name)]
        temperatures: list[Hook] = [(f"{place}.{name}", self._keep_temperature(name)) for name in seen]
        return [
            *temperatures,
            (f"{place}.hook_attn_scores", self._keep_scores),
            (f"{place}.hook_pattern", self._weighed),
        ]

    @property
    def attention(self) -> Any:
        """The attention module of the layer."""
        return self.model.blocks[self.layer].attn

    def _keep_temperature(self, name: str) -> Any:
        def keep(value: Float[Tensor, "batch group pos"], hook: object) -> None:
            self._temperatures[name] = value

        return keep

    def _keep_scores(self, scores: Float[Tensor, "batch head query key"], hook: object) -> None:
        self._scores = scores

    def _weighed(self, pattern: Float[Tensor, "batch head query key"], hook: object) -> Float[Tensor, "..."]:
        visible = visible_cells(self._scores)
        change = (self._without(pattern) - pattern).masked_fill(~visible, 0.0)
        if self.dice is not None:
            change = dealt(change, visible, self.dice)
        self.change = change.abs().sum(-1).mean(-1)
        return self._put(pattern, pattern + change)

    def _gated(self, gate: Float[Tensor, "batch pos head d_head_or_one"], hook: object) -> Float[Tensor, "..."]:
        change = 1 - gate
        if self.dice is not None:
            change = change[:, torch.randperm(gate.shape[1], generator=self.dice)]
        self.change = change.abs().mean((1, 3))
        return self._put(gate.transpose(1, 2), (gate + change).transpose(1, 2)).transpose(1, 2)

    def _without(self, pattern: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head query key"]:
        """The weights of all heads without the mechanism."""
        layer: AttentionLayer = self.attention.layer
        if self.name == NEGATIVE:
            return pattern.clamp(min=0)
        scores, visible = unmasked(self._scores)
        if self.name in layer.variant.without:
            return layer.variant.without[self.name](scores, visible)
        of_query, of_value = (self._temperatures.get(name) for name in OF_TEMPERATURES)
        cap = getattr(self.attention.attention_module.config, "attn_logit_softcapping", None)
        weights = pattern if of_query is None else layer.weigh(rescaled(scores, 1 / of_query[..., None], cap), visible)
        return weights if of_value is None else weights / of_value[:, :, None]

    def _put(self, whole: Float[Tensor, "batch head *rest"], new: Float[Tensor, "batch head *rest"]) -> Tensor:
        """The new one in the head of each row, or everywhere."""
        if self.heads is None:
            return new
        rows, heads = torch.arange(len(self.heads)), torch.tensor(self.heads)
        result = whole.clone()
        result[rows, heads] = new[rows, heads]
        return result


def rescaled(
    scores: Float[Tensor, "batch head query key"], factor: Float[Tensor, "batch group query 1"], cap: float | None
) -> Float[Tensor, "batch head query key"]:
    """Scores times a factor that stands inside of their soft cap, where they have one."""
    if cap is None:
        return scores * factor
    below_one = 1 - torch.finfo(scores.dtype).eps
    return soft_capped((scores / cap).clamp(-below_one, below_one).atanh() * cap * factor, cap)


def dealt(
    change: Float[Tensor, "*batch query key"], visible: Bool[Tensor, "*#batch query key"], dice: torch.Generator
) -> Float[Tensor, "*batch query key"]:
    """The changes of every row on other keys that it sees, drawn at random."""
    seen = visible.expand_as(change)
    drawn = torch.rand(change.shape, generator=dice).to(change.device)
    before, after = (order(key, seen) for key in (torch.zeros_like(drawn), drawn))
    return torch.zeros_like(change).scatter(-1, after, change.gather(-1, before))


def order(by: Float[Tensor, "*rows key"], seen: Bool[Tensor, "*rows key"]) -> Int[Tensor, "*rows key"]:
    """The keys of each row by a number, those it does not see after all others."""
    return by.masked_fill(~seen, torch.inf).argsort(dim=-1, stable=True)

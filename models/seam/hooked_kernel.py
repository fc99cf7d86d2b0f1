"""Hooked kernel: scores and weights of an attention call go through hooks, with a soft cap and dropout around them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.run import KernelSurroundings
from headscope.models.seam.model_pass import Hooks

Scores = Float[Tensor, "batch head query key"]
Visible = Bool[Tensor, "#batch #head query key"]


@dataclass(frozen=True)
class Surroundings:
    """What stands around the kernel of one call: a soft cap on the scores (Gemma 2), hooks, dropout on the weights."""

    layer: int
    soft_cap: float | None
    dropout: float
    hooks: Hooks | None

    def __bool__(self) -> bool:
        """Whether anything does."""
        looks = self.hooks is not None and self.hooks.on_scores
        return looks or self.soft_cap is not None or self.dropout != 0.0

    def around_kernel(self) -> KernelSurroundings | None:
        """The changes before and after the kernel, or None where there are none."""
        return KernelSurroundings(self.scores, self.weights) if self else None

    def scores(self, scores: Scores, visible: Visible) -> tuple[Scores, Visible]:
        """Capped and hooked scores, hidden ones being the lowest number as in transformer-lens, and what is visible."""
        capped = soft_capped(scores, self.soft_cap)
        if self.hooks is None or not self.hooks.on_scores:
            return capped, visible
        lowest = torch.finfo(capped.dtype).min
        edited = self.hooks.edit(self.layer, "hook_attn_scores", capped.masked_fill(~visible, lowest))
        return unmasked(edited)

    def weights(self, pattern: Scores) -> Scores:
        """Hooked weights under dropout."""
        if self.hooks is not None and self.hooks.on_scores:
            pattern = self.hooks.edit(self.layer, "hook_pattern", pattern)
        return nn.functional.dropout(pattern, p=self.dropout)


def visible_cells(scores: Float[Tensor, "*cells"]) -> Bool[Tensor, "*cells"]:
    """False where a score is masked, with −inf or the lowest number of its dtype; NaN is a score."""
    return ~(scores <= torch.finfo(scores.dtype).min / 2)


def unmasked(scores: Scores) -> tuple[Scores, Visible]:
    """Masked scores with 0 in the place of hidden ones (−inf, or the lowest number), and which are visible.

    A NaN stays visible, and comes out as NaN.
    """
    visible = visible_cells(scores)
    return scores.masked_fill(~visible, 0.0), visible


def soft_capped(scores: Scores, soft_cap: float | None) -> Scores:
    """cap · tanh(scores / cap); unchanged where there is no cap."""
    return scores if soft_cap is None else soft_cap * torch.tanh(scores / soft_cap)

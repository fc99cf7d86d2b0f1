"""Hooked kernel: scores and weights of an attention call go through hooks, the weights under dropout."""

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
    """What stands around the kernel of one call: hooks, and dropout on the weights."""

    layer: int
    dropout: float
    hooks: Hooks | None

    def __bool__(self) -> bool:
        """Whether anything does."""
        looks = self.hooks is not None and self.hooks.on_scores
        return looks or self.dropout != 0.0

    def around_kernel(self) -> KernelSurroundings | None:
        """The changes before and after the kernel, or None where there are none."""
        return KernelSurroundings(self.scores, self.weights) if self else None

    def scores(self, scores: Scores, visible: Visible) -> tuple[Scores, Visible]:
        """Hooked scores, hidden ones being the lowest number as in transformer-lens, and what is visible."""
        if self.hooks is None or not self.hooks.on_scores:
            return scores, visible
        lowest = torch.finfo(scores.dtype).min
        edited = self.hooks.edit(self.layer, "hook_attn_scores", scores.masked_fill(~visible, lowest))
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

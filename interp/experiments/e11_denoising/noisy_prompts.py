"""Noisy prompts: some tokens show a signal, others noise alone; a product of two marks tells which, no line does."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MARKS = 2


@dataclass(frozen=True)
class NoisyPrompts:
    """Prompts with their signals θ ~ N(0, I) [prompt, d_signal] and where the relevant tokens are.

    A token is what it shows, then its marks ±1, whose product is 1 where it is relevant. It shows θ + σε there, else
    noise of the same variance 1 + σ², so that marks alone tell.
    """

    tokens: Float[Tensor, "prompt pos d_token"]
    signal: Float[Tensor, "prompt d_signal"]
    relevant: Bool[Tensor, "prompt pos"]

    @property
    def shown(self) -> Float[Tensor, "prompt pos d_signal"]:
        """The tokens without their marks."""
        return self.tokens[..., :-MARKS]


@dataclass(frozen=True)
class PromptDesign:
    """Tokens of a prompt and how many of them are relevant, width of the signal, deviation σ of its noise."""

    tokens: int
    relevant: int
    d_signal: int
    sigma: float

    @property
    def d_token(self) -> int:
        """Width of a token."""
        return self.d_signal + MARKS

    def drawn(self, prompts: int, dice: torch.Generator) -> NoisyPrompts:
        """Prompts with their relevant tokens at random places."""
        order = torch.rand(prompts, self.tokens, generator=dice)
        relevant = order <= order.kthvalue(self.relevant, 1, keepdim=True).values
        signal = torch.randn(prompts, self.d_signal, generator=dice)
        noise = torch.randn(prompts, self.tokens, self.d_signal, generator=dice)
        first = torch.randint(2, (prompts, self.tokens), generator=dice) * 2.0 - 1
        marks = torch.stack([first, first.where(relevant, -first)], -1)
        deviation = (1 + self.sigma**2) ** 0.5
        shown = (signal[:, None] + self.sigma * noise).where(relevant[..., None], deviation * noise)
        return NoisyPrompts(torch.cat([shown, marks], -1), signal, relevant)

    def bayes(self, prompts: NoisyPrompts) -> Float[Tensor, "prompt d_signal"]:
        """E[θ | prompt] = Σ over relevant tokens / (how many + σ²): marks tell which they are."""
        kept = prompts.shown.where(prompts.relevant[..., None], 0.0)
        return kept.sum(1) / (self.relevant + self.sigma**2)

    def naive_mean(self, prompts: NoisyPrompts) -> Float[Tensor, "prompt d_signal"]:
        """The sum of all tokens, times the factor that leaves the least error."""
        return self.naive_factor * prompts.shown.sum(1)

    @property
    def naive_factor(self) -> float:
        """k/(k² + kσ² + (n − k)(1 + σ²)) of k relevant tokens of n."""
        k, noise = self.relevant, self.sigma**2
        return k / (k * (k + noise) + (self.tokens - k) * (1 + noise))

    @property
    def bayes_error(self) -> float:
        """Mean squared error of the Bayes estimator by entry of the signal: σ²/(k + σ²)."""
        return self.sigma**2 / (self.relevant + self.sigma**2)

    @property
    def naive_error(self) -> float:
        """That of the naive mean: 1 − k · its factor."""
        return 1 - self.relevant * self.naive_factor


def squared_error(
    estimate: Float[Tensor, "prompt d_signal"], signal: Float[Tensor, "prompt d_signal"]
) -> Float[Tensor, ""]:
    """Mean over prompts and entries of the signal."""
    return (estimate - signal).square().mean()

"""Target: the token, or the difference of two tokens, whose logit is attributed, and what residuals give to it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Target:
    """A token, or a token less a distractor; name says it in words."""

    token: int
    distractor: int | None = None
    name: str = ""

    def __str__(self) -> str:
        less = "" if self.distractor is None else f" less that of token {self.distractor}"
        return self.name or f"logit of token {self.token}{less}"

    def of(self, logits: Float[Tensor, "*axes vocab"]) -> Float[Tensor, "*axes"]:
        """The target's logit, or difference of logits."""
        chosen = logits[..., self.token]
        return chosen if self.distractor is None else chosen - logits[..., self.distractor]


def token_name(token_id: int, text: str | None) -> str:
    """A token in words: its text in quotes and its id; the id alone where no text is known."""
    return f"token {token_id}" if text in (None, str(token_id)) else f"{text!r} (token {token_id})"


@dataclass(frozen=True)
class Attributed:
    """What parts give to a target, and mean and standard deviation of what they give to tokens drawn at random."""

    value: Float[Tensor, "*part"]
    null: Float[Tensor, "*part"]
    spread: Float[Tensor, "*part"]


def attributed(
    parts: Float[Tensor, "*part width"], readout: Float[Tensor, "width vocab"], target: Target
) -> Attributed:
    """Of parts @ readout, from the mean and the covariance of the readout's columns, which is exact.

    Against a distractor both tokens are drawn: the mean is 0 and the variance twice that of one.
    """
    mean = readout.mean(1)
    centred = readout - mean[:, None]
    covariance = centred @ centred.T / readout.shape[1]
    deviation = ((parts @ covariance) * parts).sum(-1).clamp(min=0).sqrt()
    value = parts @ target.of(readout)
    if target.distractor is None:
        return Attributed(value, parts @ mean, deviation)
    return Attributed(value, torch.zeros_like(value), 2**0.5 * deviation)

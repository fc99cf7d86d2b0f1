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
class AttributionWithNull:
    """What parts give to a target, and mean and standard deviation of what they give to tokens drawn at random."""

    value: Float[Tensor, "*part"]
    null: Float[Tensor, "*part"]
    spread: Float[Tensor, "*part"]


@dataclass(frozen=True)
class Columns:
    """Of a readout's columns: the target's, or the difference of two, their mean and their covariance."""

    target: Float[Tensor, "width"]
    mean: Float[Tensor, "width"]
    covariance: Float[Tensor, "width width"]


def columns_of(readout: Float[Tensor, "width vocab"], target: Target) -> Columns:
    """Those of a readout: once for all parts, as the covariance is a product over the vocabulary."""
    mean = readout.mean(1)
    centred = readout - mean[:, None]
    return drawn_columns(target, target.of(readout), mean, centred @ centred.T / readout.shape[1])


def drawn_columns(
    target: Target, column: Float[Tensor, "width"], mean: Float[Tensor, "width"], covariance: Float[Tensor, "w w"]
) -> Columns:
    """The target's column, and the mean and covariance of what is drawn in its place.

    Against a distractor both tokens are drawn: the mean is 0 and the variance twice that of one.
    """
    if target.distractor is None:
        return Columns(column, mean, covariance)
    return Columns(column, torch.zeros_like(mean), 2 * covariance)


def attribution_with_null(parts: Float[Tensor, "*part width"], columns: Columns) -> AttributionWithNull:
    """Of parts @ readout, from the mean and the covariance of the readout's columns, which is exact."""
    deviation = ((parts @ columns.covariance) * parts).sum(-1).clamp(min=0).sqrt()
    return AttributionWithNull(parts @ columns.target, parts @ columns.mean, deviation)

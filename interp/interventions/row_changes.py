"""Row changes: what many edited copies of one prompt predict, against the untouched run, a few positions at a time."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

NUMBERS = 2**18  # logits that are looked at together


@dataclass(frozen=True)
class RowChanges:
    """Of every copy KL(untouched ‖ touched), in nats, the change of its loss, and whether its likeliest answer did."""

    kl: Float[Tensor, "row pos"]
    loss_change: Float[Tensor, "row pos_known"]
    changed: Bool[Tensor, "row pos"]

    @property
    def means(self) -> Float[Tensor, "measure row"]:
        """The three, each as its mean over positions; NaN for loss_change where no answer is known."""
        return torch.stack([self.kl.mean(1), self.loss_change.mean(1), self.changed.to(self.kl).mean(1)])


@dataclass(frozen=True)
class UntouchedAnswers:
    """What the untouched run predicts; log_sum: log Σ exp(logits), whole: Σ p, which is 1 but for rounding."""

    logits: Float[Tensor, "pos vocab"]
    log_sum: Float[Tensor, "pos"]
    whole: Float[Tensor, "pos"]
    likeliest: Int[Tensor, "pos"]


def untouched_answers(logits: Float[Tensor, "pos vocab"]) -> UntouchedAnswers:
    """From the logits of the untouched run."""
    log_sum = torch.stack([row.logsumexp(0) for row in logits])
    whole = torch.stack([(row - total).exp().sum() for row, total in zip(logits, log_sum, strict=True)])
    return UntouchedAnswers(logits, log_sum, whole, logits.argmax(-1))


def row_changes(
    before: UntouchedAnswers, after: Float[Tensor, "row pos vocab"], known: Int[Tensor, "pos_known"]
) -> RowChanges:
    """From the logits of every copy; known: the right answers, of the first positions."""
    size = max(1, NUMBERS // after[:, 0].numel())
    places = [slice(at, at + size) for at in range(0, after.shape[1], size)]
    parts = [changes_at(before, after, known, some) for some in places]
    return RowChanges(
        torch.cat([part.kl for part in parts], 1),
        torch.cat([part.loss_change for part in parts], 1),
        torch.cat([part.changed for part in parts], 1),
    )


def changes_at(
    before: UntouchedAnswers, after: Float[Tensor, "row pos vocab"], known: Int[Tensor, "pos_known"], some: slice
) -> RowChanges:
    """The changes at some positions.

    With p the untouched probabilities, d the change of the logits and d' = d − Σ p d, the divergence is
    log Σ p exp(d'), and the loss of an answer a changes by it less d'[a]: small changes do not drown in large logits.
    """
    after, logits, whole, known = after[:, some], before.logits[some], before.whole[some], known[some]
    changed = at_tokens(after, before.likeliest[some]) < after.amax(-1)
    change, log_p = after - logits, logits - before.log_sum[some, None]
    change -= ((change * log_p.exp()).sum(-1) / whole)[..., None]
    of_known = at_tokens(change[:, : len(known)], known)
    growth = log_sum_exp(change.add_(log_p)) - whole.log()
    return RowChanges(growth.clamp(min=0), growth[:, : len(known)] - of_known, changed)


def at_tokens(numbers: Float[Tensor, "row pos vocab"], ids: Int[Tensor, "pos"]) -> Float[Tensor, "row pos"]:
    """The number of one token at every position."""
    return numbers[:, torch.arange(len(ids)), ids]


def log_sum_exp(terms: Float[Tensor, "*axes vocab"]) -> Float[Tensor, "*axes"]:
    """log Σ exp(terms), in the place of the terms."""
    peak = terms.amax(-1, keepdim=True)
    return terms.sub_(peak).exp_().sum(-1).log_() + peak[..., 0]

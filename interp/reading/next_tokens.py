"""Next tokens: what the model expects after each position, and what it gave to the token that came."""

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

STRIP = 256  # rows


@dataclass(frozen=True)
class NextTokens:
    """The likeliest ids after each position, likeliest first, and the token that did come after all but the last.

    Of an image: one row, of classes, and the class that it shows, where that is known. Of a model that does not
    continue its text: answers, and none that came.
    """

    ids: Int[Tensor, "pos rank"]
    probabilities: Float[Tensor, "pos rank"]
    actual_probability: Float[Tensor, "pos_but_last"]
    actual_rank: Int[Tensor, "pos_but_last"]


def next_tokens(logits: Float[Tensor, "pos vocab"], ids: Int[Tensor, "pos"], count: int) -> NextTokens:
    """Softmax of the logits in float32, its `count` largest; rank 0 is the likeliest (ties count as better)."""
    strips = range(0, len(logits), STRIP)
    parts = [strip_tokens(logits[at : at + STRIP], ids[at + 1 : at + 1 + STRIP], count) for at in strips]
    return NextTokens(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(NextTokens)))


def strip_tokens(logits: Float[Tensor, "row vocab"], came: Int[Tensor, "known"], count: int) -> NextTokens:
    """The same of some rows, and of the tokens that came after them: a long prompt's logits are large enough alone."""
    probabilities = logits.float().softmax(-1)
    best = probabilities.topk(min(count, probabilities.shape[-1]), dim=-1)
    known = probabilities[: len(came)]
    actual = torch.gather(known, 1, came[:, None])
    return NextTokens(best.indices, best.values, actual[:, 0], (known > actual).sum(-1))


def nothing_predicted(positions: int) -> NextTokens:
    """Of a model without a head: no ranks at any position."""
    ids, probabilities = torch.empty(positions, 0, dtype=torch.int64), torch.empty(positions, 0)
    return NextTokens(ids, probabilities, probabilities.new_empty(0), ids.new_empty(0))


def answers(logits: Float[Tensor, "pos answer"], count: int) -> NextTokens:
    """The likeliest answers at every position, of which none is known to be right."""
    likely = next_tokens(logits, torch.zeros(len(logits), dtype=torch.int64), count)
    return replace(likely, actual_probability=likely.actual_probability[:0], actual_rank=likely.actual_rank[:0])


def class_predictions(logits: Float[Tensor, "1 class"], label: int | None, count: int) -> NextTokens:
    """The same of an image's classes; label: the class that it shows, if that is known."""
    known = int(label is not None)
    likely = next_tokens(logits.expand(2, -1), torch.tensor([0, label or 0]), count)
    return NextTokens(
        ids=likely.ids[:1],
        probabilities=likely.probabilities[:1],
        actual_probability=likely.actual_probability[:known],
        actual_rank=likely.actual_rank[:known],
    )

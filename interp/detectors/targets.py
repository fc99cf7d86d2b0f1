"""Targets: the cells of a pattern that a head of each known kind would fill; a new detector is one row of the table."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.functional import pad


def previous_token(ids: Int[Tensor, "pos"]) -> Bool[Tensor, "pos pos"]:
    """The key just before the query."""
    return torch.ones(len(ids), len(ids), dtype=torch.bool).tril(-1).triu(-1)


def duplicate_token(ids: Int[Tensor, "pos"]) -> Bool[Tensor, "pos pos"]:
    """Earlier keys whose token is the query's own."""
    return (ids[:, None] == ids[None, :]).tril(-1)


def induction(ids: Int[Tensor, "pos"]) -> Bool[Tensor, "pos pos"]:
    """Keys just after an earlier copy of the query's token; the query itself does not count (second of "a a")."""
    return pad(duplicate_token(ids)[:, :-1], (1, 0)).tril(-1)


TARGETS: dict[str, Callable[[Tensor], Tensor]] = {
    "previous token": previous_token,
    "duplicate token": duplicate_token,
    "induction": induction,
}


def targets(ids: Int[Tensor, "pos"]) -> Bool[Tensor, "detector pos pos"]:
    """The targets of every detector, in the order of the table."""
    return torch.stack([result(ids) for result in TARGETS.values()])

"""The largest entries of long rows, without sorting them."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

PARTS, WIDTH = 32, 32  # at most so many lines, of at least that many columns


class Largest(NamedTuple):
    """The k largest entries of every row, in no order, and their places."""

    values: Float[Tensor, "*rows k"]
    places: Int[Tensor, "*rows k"]


def largest_entries(x: Float[Tensor, "*rows n"], k: int) -> Largest:
    """Of a long row: those among the k columns with the largest maximum, the row being folded into lines."""
    n_lines = min(PARTS, x.shape[-1] // max(WIDTH, 4 * k))
    if n_lines < 4:
        return Largest(*x.topk(k, sorted=False))
    width = x.shape[-1] // n_lines
    folded = x[..., : width * n_lines].reshape(*x.shape[:-1], n_lines, width)
    columns = folded.amax(-2).topk(k, sorted=False).indices
    lines = torch.arange(n_lines, device=x.device)[:, None] * width
    places = (columns[..., None, :] + lines).flatten(-2)
    rest = torch.arange(width * n_lines, x.shape[-1], device=x.device).expand(*places.shape[:-1], -1)
    places = torch.cat([places, rest], -1)
    best = x.gather(-1, places).topk(k, sorted=False)
    return Largest(best.values, places.gather(-1, best.indices))

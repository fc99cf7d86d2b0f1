"""The largest entries of long rows, without sorting them."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

PARTS, WIDTH = 32, 32  # at most so many lines, of at least that many columns
HEAP = 64  # of so many times k entries torch finds the k largest by a heap, of fewer at several times the cost


class Largest(NamedTuple):
    """The k largest entries of every row, in no order, and their places."""

    values: Float[Tensor, "*rows k"]
    places: Int[Tensor, "*rows k"]


def largest_entries(x: Float[Tensor, "*rows n"], k: int) -> Largest:
    """Of a long row: those among the k columns with the largest maximum, the row being folded into lines."""
    n_lines = min(PARTS, x.shape[-1] // (WIDTH if k == 1 else HEAP * k))
    if n_lines < 4:
        return largest_of_few(x, k)
    width = x.shape[-1] // n_lines
    folded = x[..., : width * n_lines].reshape(*x.shape[:-1], n_lines, width)
    columns = largest_of_few(folded.amax(-2), k).places
    candidates = folded.gather(-1, columns[..., None, :].expand(*folded.shape[:-1], k)).flatten(-2)
    if width * n_lines < x.shape[-1]:
        candidates = torch.cat([candidates, x[..., width * n_lines :]], -1)
    best = largest_of_few(candidates, k)
    line, column = best.places // k, columns.gather(-1, best.places % k)
    rest = best.places - n_lines * k  # of what stands behind the last line
    return Largest(best.values, torch.where(rest < 0, line * width + column, rest + n_lines * width))


def largest_of_few(x: Float[Tensor, "*rows n"], k: int) -> Largest:
    """Of a row that is not worth folding."""
    return Largest(*(x.max(-1, keepdim=True) if k == 1 else x.topk(k, sorted=False)))

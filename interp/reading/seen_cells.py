"""Seen cells: which keys a query may see, read off the scores as a hooked model masks them."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def seen_cells(scores: Float[Tensor, "*cells"]) -> Bool[Tensor, "*cells"]:
    """False where hook_attn_scores is masked, with −inf or the lowest number of its dtype."""
    return scores > torch.finfo(scores.dtype).min / 2

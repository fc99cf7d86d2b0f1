"""Repeated random sequences: prompts on which nothing but induction can predict, as in Olsson et al. 2022."""

import torch
from jaxtyping import Int
from torch import Tensor


def repeated_tokens(vocabulary: int, length: int, repeats: int = 2, seed: int = 0) -> Int[Tensor, "pos"]:
    """`length` different random ids, `repeats` times over; the same seed gives the same ids.

    Raises ValueError for more different ids than the vocabulary has, and for less than one token or two repeats.
    """
    if not 1 <= length <= vocabulary:
        raise ValueError(
            f"{length} different tokens were asked for; a vocabulary of {vocabulary} gives 1 to {vocabulary}"
        )
    if repeats < 2:
        raise ValueError(f"a sequence of {repeats} repeats repeats nothing; ask for at least 2")
    dice = torch.Generator().manual_seed(seed)
    return torch.randperm(vocabulary, generator=dice)[:length].repeat(repeats)

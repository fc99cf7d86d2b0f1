"""Boolean masks: a prepared attention mask as what is visible, whichever of transformers' two forms it has."""

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

HIDDEN = -1e4


def as_boolean(mask: Shaped[Tensor, "..."] | None) -> Bool[Tensor, "..."] | None:
    """True where visible; an additive mask has 0 there and −1e4 or less where a key is hidden, and nothing else."""
    if mask is None or mask.dtype == torch.bool:
        return mask
    if not mask.is_floating_point() or not ((mask == 0) | (mask <= HIDDEN)).all():
        raise ValueError(
            "a prepared attention mask is boolean, or additive with 0 where a key is visible and -1e4 or less where it "
            f"is hidden; got {mask.dtype} with values from {mask.min().item():g} to {mask.max().item():g}"
        )
    return mask == 0

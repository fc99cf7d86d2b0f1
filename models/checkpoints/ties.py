"""Parameters that repeat another, as an output embedding the input embedding: stored once or twice, but the same."""

import torch
from torch import Tensor

from headscope.models.checkpoints.files.refusal import CheckpointError


def retied_tensors(tensors: dict[str, Tensor], tied: dict[str, str], origin: str) -> dict[str, Tensor]:
    """The tensors with every pair of `tied` (repeating name -> repeated name) complete."""
    refuse_untied(tensors, tied, f"cannot open {origin}")
    whole = dict(tensors)
    for name, source in tied.items():
        whole[name] = whole[source] = tensors[source] if source in tensors else tensors[name]
    return whole


def refuse_untied(tensors: dict[str, Tensor], tied: dict[str, str], what: str) -> None:
    """Raise CheckpointError when the config ties two parameters that differ."""
    for name, source in tied.items():
        if name in tensors and source in tensors and not are_same(tensors[name], tensors[source]):
            raise CheckpointError(
                f"{what}: the config ties {name!r} to {source!r}, but they differ; set tie_word_embeddings to false"
            )


def are_same(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors hold the same numbers; NaN is the same as NaN."""
    if torch.equal(first, second):
        return True
    return first.shape == second.shape and torch.allclose(first, second.to(first), rtol=0, atol=0, equal_nan=True)

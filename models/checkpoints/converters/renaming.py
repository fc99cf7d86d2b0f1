"""Renaming: every tensor of a foreign checkpoint under its name in transformers, or refused by name."""

import re
from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor

from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.files.refusal import CheckpointError

Change = Callable[[Tensor], Tensor]
Names = Mapping[str, str]  # a pattern of a whole name -> what stands in its place


def same(tensor: Tensor) -> Tensor:
    """The tensor as it is."""
    return tensor


def transposed(tensor: Tensor) -> Tensor:
    """Rows become columns."""
    return tensor.T


def halves_from_pairs(
    weight: Float[Tensor, "head_d_head *d_model"], n_heads: int
) -> Float[Tensor, "head_d_head *d_model"]:
    """The rows of a query or key projection, within each head first the even entries, then the odd ones.

    For codes whose rotation turns neighbouring entries of a head, where transformers turns entry i and i + D/2.
    """
    return weight.unflatten(0, (n_heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def renamed_tensors(
    checkpoint: ForeignCheckpoint,
    names: Names,
    changes: Mapping[str, Change] | None = None,
    dropped: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """The tensors by their new names. changes: a pattern of a new name -> what is done to its tensor.

    dropped: patterns of what is computed anew. CheckpointError names a tensor that no pattern knows.
    """
    result: dict[str, Tensor] = {}
    for name, tensor in checkpoint.tensors.items():
        if any(re.fullmatch(pattern, name) for pattern in dropped):
            continue
        pattern = next((pattern for pattern in names if re.fullmatch(pattern, name)), None)
        if pattern is None:
            raise CheckpointError(
                f"cannot open {checkpoint.file}: it holds a tensor {name!r} that such a checkpoint has not; it may be "
                "of a changed model, which would compute something else here"
            )
        target = re.sub(f"^{pattern}$", names[pattern], name)
        change = next((change for of, change in (changes or {}).items() if re.fullmatch(of, target)), same)
        result[target] = change(tensor)
    return result

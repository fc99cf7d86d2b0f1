"""A foreign checkpoint: one state dict of a file, and what else is said in plain values there and beside it."""

import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class ForeignCheckpoint:
    """Tensors by name without what wrappers wrote before it; tables: plain values by key, the most telling first."""

    file: Path
    tensors: dict[str, Tensor]
    tables: tuple[Fields, ...] = ()

    def stated(self, *keys: str) -> object | None:
        """What the first table that knows one of the keys says."""
        return next((table[key] for table in self.tables for key in keys if table.get(key) is not None), None)

    def has(self, *names: str) -> bool:
        """Whether all of these tensors are there."""
        return all(name in self.tensors for name in names)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; refused where it is not there."""
        if name not in self.tensors:
            raise CheckpointError(f"cannot open {self.file}: the tensor {name!r} is missing")
        return tuple(self.tensors[name].shape)

    def count(self, pattern: str) -> int:
        """How many parts there are of those that a pattern numbers, as `layers\\.(\\d+)\\.`."""
        numbers = (re.match(pattern, name) for name in self.tensors)
        return 1 + max((int(number.group(1)) for number in numbers if number), default=-1)

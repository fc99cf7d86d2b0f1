"""Candidates: the state dicts of one file, where several stand side by side (as an average beside the weights)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.files.header import MAX_TENSORS
from headscope.models.checkpoints.files.pickled import refuse_unread
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.matching import wrapper
from headscope.models.io.fields import Fields

MOST_DEEP = 3
WHOLE = "the whole file"
# Tables of plain values, those of the model itself first: a run's settings may be of another model that it began with.
TABLES = ("model_args", "model_cfg", "model_config", "config", "cfg", "hparams", "hyper_parameters", "args")
AVERAGES = re.compile(r"(^|[._/])(ema|avg|average|teacher|shadow|target)([._/]|$)|ema_model|model_ema|nnet_ema")


def candidates(
    file: Path, contents: Mapping[object, object], beside: tuple[Fields, ...]
) -> dict[str, ForeignCheckpoint]:
    """Every state dict by what it is called in the file; averages of weights last."""
    tables = (*beside, *plain_tables(contents))
    result: dict[str, ForeignCheckpoint] = {}
    for name, tensors in state_dicts(contents):
        for label, part in unwrapped_parts(name, tensors):
            result[label] = ForeignCheckpoint(file, part, tables)
    if not result:
        raise CheckpointError(f"cannot open {file}: it holds no tensors by name, at most {MOST_DEEP} tables deep")
    return dict(sorted(result.items(), key=lambda item: is_average(item[0])))


def is_average(label: str) -> bool:
    """Whether a state dict is called as running averages of weights are."""
    return AVERAGES.search(label) is not None


def plain_tables(contents: Mapping[object, object]) -> tuple[Fields, ...]:
    """The tables of plain values, and last the plain values at the top."""
    tables = [value for key in TABLES if isinstance(value := contents.get(key), dict)]
    nested = [value for table in tables for key in TABLES if isinstance(value := table.get(key), dict)]
    top = {str(key): value for key, value in contents.items() if isinstance(value, int | float | str | bool)}
    return (*({str(key): value for key, value in table.items()} for table in (*nested, *tables)), top)


def state_dicts(
    contents: Mapping[object, object], path: str = "", depth: int = 0
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Tables whose entries are tensors, by their path; numbers beside the tensors (a step) are no part of them."""
    tensors = {name: value for name, value in contents.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if any(tensor.dim() > 1 for tensor in tensors.values()):
        yield path or WHOLE, tensors
    for key, value in contents.items():
        if isinstance(value, dict) and isinstance(key, str) and depth < MOST_DEEP:
            yield from state_dicts(value, f"{path}/{key}" if path else key, depth + 1)


def unwrapped_parts(label: str, tensors: dict[str, Tensor]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The tensors without a wrapper's prefix; then those of each attribute alone, as a Lightning module holds a net."""
    plain = without_prefix(tensors, wrapper(tensors.keys()))
    yield label, plain
    for first in dict.fromkeys(name.partition(".")[0] for name in plain if "." in name):
        part = {name: tensor for name, tensor in plain.items() if name.startswith(f"{first}.")}
        inner = without_prefix(part, f"{first}.")
        yield f"{label}/{first}", without_prefix(inner, wrapper(inner.keys()))


def without_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors without what stands before each of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def checked_tensors(checkpoint: ForeignCheckpoint) -> ForeignCheckpoint:
    """The checkpoint, if there are not too many tensors and none is larger than its bytes."""
    if len(checkpoint.tensors) > MAX_TENSORS:
        raise CheckpointError(
            f"cannot open {checkpoint.file}: it names {len(checkpoint.tensors)} tensors; at most {MAX_TENSORS} are read"
        )
    for name, tensor in checkpoint.tensors.items():
        refuse_unread(checkpoint.file, name, tensor)
    return checkpoint

"""Numbers of a result by name: every field, and every part of one that its labels name."""

from dataclasses import dataclass

from jaxtyping import Shaped
from torch import Tensor

from headscope.interp.results.result import Result

HEADS = ("layer", "head")
ALONG_TOKENS = ("pos", "query", "key", "point")  # axes whose labels are a prompt's tokens
NULLS = ("_null", "_null_spread")


@dataclass(frozen=True)
class Numbers:
    """Some numbers with the names of their axes."""

    axes: tuple[str, ...]
    values: Shaped[Tensor, "..."]


def result_numbers(result: Result) -> dict[str, Numbers]:
    """A result's fields, and `field.label` along the first of a field's axes whose labels are no tokens."""
    entry: dict[str, Numbers] = {}
    for name, tensor in result.tensors().items():
        axes = result.axes()[name]
        if len(axes) != tensor.ndim:
            continue  # an annotation without names, such as "..."
        entry[name] = Numbers(axes, tensor)
        kinds = [axis for axis in axes if axis in result.labels and axis not in (*HEADS, *ALONG_TOKENS)]
        if kinds:
            at = axes.index(kinds[0])
            rest = (*axes[:at], *axes[at + 1 :])
            parts = zip(result.labels[kinds[0]], tensor.movedim(at, 0), strict=True)
            entry |= {f"{name}.{label}": Numbers(rest, part) for label, part in parts}
    return entry


def numbers_per_head(result: Result) -> dict[str, Shaped[Tensor, "layer head"]]:
    """Those that every head has one of."""
    return {name: item.values for name, item in result_numbers(result).items() if item.axes == HEADS}


def is_null(name: str) -> bool:
    """Whether a number, `field` or `field.label`, is the null of another or its spread."""
    return name.split(".")[0].endswith(NULLS)

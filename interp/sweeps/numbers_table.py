"""Numbers table: all numbers of a result as rows of one long table, whatever their axes are."""

from typing import TYPE_CHECKING

import numpy as np

from headscope.interp.asking.findings import Findings
from headscope.interp.results.numbers import HEADS
from headscope.interp.results.result import Result

if TYPE_CHECKING:
    import pyarrow as pa

BETWEEN = "; "  # the axes of a place


def numbers_table(findings: Findings, name: str) -> "pa.Table":
    """A row per number: its field, the layer and head where it has them, its place on other axes, and its value.

    place: as "n=17; pair=0", with labels in the place of indices where an axis has them. Over several prompts the
    standard deviations follow, as field_spread. Integers and truths become floats, complex numbers two fields.
    """
    import pyarrow as pa

    results = {"": findings[name]} | ({"_spread": findings.spread[name]} if name in findings.spread else {})
    tables = [rows_of(result, field, ending) for ending, result in results.items() for field in result.tensors()]
    return pa.concat_tables(tables)


def rows_of(result: Result, field: str, ending: str = "") -> "pa.Table":
    """The rows of one field."""
    import pyarrow as pa

    values = result.tensors()[field].detach().cpu().resolve_conj()
    parts = {"_real": values.real, "_imaginary": values.imag} if values.is_complex() else {"": values}
    where = places(result, field, tuple(values.shape))
    return pa.concat_tables(
        pa.table(
            {
                "number": pa.array([f"{field}{part}{ending}"] * values.numel(), pa.string()),
                **where,
                "value": pa.array(numbers.flatten().double().numpy()),
            }
        )
        for part, numbers in parts.items()
    )


def places(result: Result, field: str, shape: tuple[int, ...]) -> "dict[str, pa.Array]":
    """Where each entry of a field lies."""
    import pyarrow as pa

    axes = result.axes()[field]
    axes = axes if len(axes) == len(shape) else tuple(f"axis{at}" for at in range(len(shape)))
    size = int(np.prod(shape, dtype=int))
    index = dict(zip(axes, np.indices(shape).reshape(len(shape), size), strict=True))
    heads = {axis: pa.array(index[axis], pa.int32()) if axis in index else pa.nulls(size, pa.int32()) for axis in HEADS}
    others = [labelled(result, axis, index[axis]) for axis in axes if axis not in HEADS]
    words = [BETWEEN.join(parts) for parts in zip(*others, strict=True)] if others else [""] * size
    return {**heads, "place": pa.array(words, pa.string())}


def labelled(result: Result, axis: str, index: np.ndarray) -> list[str]:
    """axis=3, or axis=name where it has labels."""
    names = result.labels.get(axis)
    return [f"{axis}={names[at] if names else at}" for at in index]


def axes_of_place(place: str) -> list[str]:
    """The axes that a place names, in their order."""
    return [part.partition("=")[0] for part in place.split(BETWEEN)]


def along_and_where(place: str, axis: str) -> tuple[str, str]:
    """Where a place lies on one axis, empty where it has none, and the rest of it."""
    parts = place.split(BETWEEN)
    own = [part for part in parts if part.startswith(f"{axis}=")]
    return "".join(own).partition("=")[2], BETWEEN.join(part for part in parts if part not in own)

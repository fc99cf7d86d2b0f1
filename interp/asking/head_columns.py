"""Head columns: the table of the heads of a model, a row per head, a column by name."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.results.numbers import numbers_per_head
from headscope.interp.results.result import Result

HeadColumns = Mapping[str, Sequence[object]]


def head_columns(results: Mapping[str, Result], facts: ModelFacts) -> dict[str, Sequence[object]]:
    """Layer, head, its attention, and every number that each head has, named `analysis.field`."""
    layers, heads = list(facts.head_layers), facts.heads
    numbers = {
        f"{name}.{column}": tensor.cpu()[layers].flatten().tolist()
        for name, result in results.items()
        for column, tensor in numbers_per_head(result).items()
    }
    at = [layer for layer in layers for _ in range(heads)]
    variants = [facts.layer_variants[layer] for layer in at]
    return {"layer": at, "head": [*range(heads)] * len(layers), "attention": variants, **numbers}


def as_numbers(column: Sequence[object]) -> Float[np.ndarray, "head"]:
    """A column as numbers."""
    return np.asarray(column, dtype=float)


def rows_in_order(rows: HeadColumns, order: Sequence[int]) -> HeadColumns:
    """Some rows, in an order of their own."""
    return {name: [column[at] for at in order] for name, column in rows.items()}

"""Head columns: the table of the heads of a model, a row per head, a column by name."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.results.numbers import numbers_per_head
from headscope.interp.results.result import Result

HeadColumns = Mapping[str, Shaped[np.ndarray, "_"]]  # each as long as there are rows


def head_columns(results: Mapping[str, Result], facts: ModelFacts) -> HeadColumns:
    """Layer, head, its attention, and every number that each head has, named `analysis.field`."""
    layers, heads = list(facts.head_layers), facts.heads
    numbers = {
        f"{name}.{column}": tensor.cpu()[layers].flatten().numpy()
        for name, result in results.items()
        for column, tensor in numbers_per_head(result).items()
    }
    at, own = np.repeat(np.array(layers, dtype=int), heads), np.tile(np.arange(heads), len(layers))
    variants = np.array([facts.layer_variants[layer] for layer in at], dtype=object)
    return {"layer": at, "head": own, "attention": variants, **numbers}


def places_of(rows: HeadColumns) -> list[tuple[int, int]]:
    """Layer and head of every row."""
    return list(zip(rows["layer"].tolist(), rows["head"].tolist(), strict=True))


def as_numbers(column: Shaped[np.ndarray, "row"]) -> Float[np.ndarray, "row"]:
    """A column as numbers of 64 bits."""
    return column.astype(float)


def rows_in_order(rows: HeadColumns, order: Sequence[int]) -> HeadColumns:
    """Some rows, in an order of their own."""
    return {name: column[list(order)] for name, column in rows.items()}

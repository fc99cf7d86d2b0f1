"""Result table: all numbers of a result; those that run over the same axes stand in one table."""

import streamlit as st

from headscope.app.figure.head_table import number_name_in_words
from headscope.interp.results.numbers import ALONG_TOKENS
from headscope.interp.results.result import Result

MOST_ROWS = 5_000
POSITIONS = {"pos": "position"}  # an axis whose name is short in annotations


def tables_of(result: Result) -> dict[str, str]:
    """What each table runs over -> its first field, in the order of the result's fields."""
    entry: dict[str, str] = {}
    for name, tensor in result.tensors().items():
        axes = result.axes()[name]
        words = " × ".join(map(title, axes)) if len(axes) == tensor.ndim else title(name)
        sizes = " × ".join(map(str, tensor.shape))
        entry.setdefault(f"{words or title(name)} ({sizes})", name)
    return entry


def chosen_field(result: Result, field: str | None, key: str) -> str | None:
    """A field of the table that is chosen; at first that of the figure."""
    return tables_of(result).get(st.session_state.get(f"table_{key}", ""), field)


def result_table(result: Result, field: str | None, key: str) -> None:
    """Draw one table, and a box to choose another where there are several."""
    tables = tables_of(result)
    first = next(
        (words for words, item in tables.items() if field and same_axes(result, item, field)), next(iter(tables))
    )
    if len(tables) > 1:
        st.selectbox(
            "Numbers by", list(tables), index=list(tables).index(first), key=f"table_{key}", bind="query-params"
        )
    frame = result.to_frame(chosen_field(result, field, key))
    st.dataframe(frame.head(MOST_ROWS), hide_index=True, column_config={name: title(name) for name in frame.columns})
    if len(frame) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(frame):,} rows; the CSV has all.")


def title(name: str) -> str:
    """The head of a column: a field or an axis in words; the CSV keeps the field's own name."""
    axis, is_label, _ = name.partition("_label")
    if is_label:
        return f"{POSITIONS.get(axis, number_name_in_words(axis))} {'token' if axis in ALONG_TOKENS else 'name'}"
    return POSITIONS.get(name, number_name_in_words(name))


def csv_of(result: Result, field: str | None, key: str) -> str:
    """The chosen table as CSV."""
    return result.to_csv(chosen_field(result, field, key))


def same_axes(result: Result, item: str, other: str) -> bool:
    """Whether two fields stand in one table."""
    tensors = result.tensors()
    return result.axes()[item] == result.axes()[other] and tensors[item].shape == tensors[other].shape

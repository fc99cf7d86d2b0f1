"""Head table: the numbers of all heads, one of them chosen for the grid."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from headscope.app.serving.refusals import plain_markdown
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.head_columns import places_of
from headscope.interp.asking.listed_rows import first_number
from headscope.interp.asking.same_numbers import numbers_that_differ, same_in_words
from headscope.interp.figures.heads import head_score_figure
from headscope.interp.figures.palette.colours import CHOSEN, RIM
from headscope.interp.results.head_score import HeadScore
from headscope.interp.results.numbers import NULLS, is_null, numbers_per_head
from headscope.interp.results.result import Result


@dataclass(frozen=True)
class ChosenNumber:
    """A number of every head: where it comes from, and its score beside its null."""

    analysis: str
    field: str
    label: str
    score: HeadScore

    @property
    def code(self) -> str:
        """The lines that draw it again, from the analysis's result."""
        return f"""from headscope.app.figure.head_table import chosen_number

chosen_number({{"{self.analysis}": result}}, "{self.analysis}", "{self.column}").score.figure()"""

    @property
    def column(self) -> str:
        """Its name in the table of heads."""
        return f"{self.field}.{self.label}" if self.label else self.field

    @property
    def title(self) -> str:
        """In words."""
        return number_name_in_words(f"{self.analysis}.{self.column}")

    def figure(self, layer: int, head: int) -> go.Figure:
        """The grid, with points that can be chosen; the open head has a ring."""
        figure = head_score_figure(self.score)
        layers, heads = np.indices(tuple(self.score.value.shape))
        is_open = (layers == layer) & (heads == head)
        for line in (RIM, CHOSEN):
            figure.add_scatter(
                x=heads.ravel(),
                y=layers.ravel(),
                mode="markers",
                marker={
                    "size": 26,
                    "color": "rgba(0,0,0,0)",
                    "line": {**line, "width": np.where(is_open.ravel(), line["width"], 0)},
                },
                hoverinfo="none",  # "skip" would pass clicks by, too
                showlegend=False,
            )
        return figure


def number_of(findings: Findings) -> ChosenNumber:
    """A box to choose one of the numbers that every head has."""
    names = number_names(findings)
    first = first_number(findings.facts)
    first = first if first in names else names[0]
    name = st.selectbox(
        "Number",
        names,
        index=names.index(first),
        key="statistic",
        bind="query-params",
        format_func=number_name_in_words,
    )
    return chosen_number(findings, *(name or first).split(".", 1))


def number_names(entry: Mapping[str, Result]) -> list[str]:
    """analysis.column of every number that every head has, nulls left out."""
    return [
        f"{analysis}.{column}"
        for analysis, result in entry.items()
        for column in numbers_per_head(result)
        if not is_null(column)
    ]


def number_name_in_words(name: str) -> str:
    """The name of a number without underscores."""
    return name.replace("_", " ").replace(".", " · ")


def chosen_number(entry: Mapping[str, Result], analysis: str, column: str) -> ChosenNumber:
    """A number by name, with its null where it has one; a score that says which number it is."""
    result = entry[analysis]
    field, _, label = column.partition(".")
    numbers = numbers_per_head(result)
    null, spread = (numbers.get(f"{field}{end}{'.' if label else ''}{label}") for end in NULLS)
    fields = {field: "value"} if result.about.depends_on_gauge(field, label) else {}
    about = replace(result.about.of_fields(fields), title=number_name_in_words(column))
    value = numbers[column].float()
    score = HeadScore(value, null, spread if null is not None else None, about=about)
    return ChosenNumber(analysis, field, label, score)


def head_table(findings: Findings, first: str, on_open: Callable[[int, int], None]) -> None:
    """The table of the numbers that differ, the named one and its null first; a chosen row opens its head."""
    columns = findings.head_columns()
    analysis, field = first.split(".", 1)[0], first.split(".", 2)[1]
    place, names = [*columns][:3], [*columns][3:]
    ahead = [name for name in names if name.startswith(f"{analysis}.{field}")]
    numbers = [name for name in dict.fromkeys([*ahead, *names]) if not is_spread(name)]
    kept = numbers_that_differ(columns, numbers)
    for line in same_in_words(columns, numbers):
        st.caption(plain_markdown(line))
    frame = pd.DataFrame({name: columns[name] for name in (*place, *kept)})

    def opened() -> None:
        if rows := st.session_state["heads_table"]["selection"]["rows"]:
            on_open(*places_of(columns)[rows[0]])

    st.dataframe(
        frame,
        hide_index=True,
        key="heads_table",
        on_select=opened,
        selection_mode="single-row",
        height=420,
        column_config={name: column(name, findings) for name in kept},
    )


def is_spread(name: str) -> bool:
    """Whether a column holds the spread of a null."""
    return "." in name and name.split(".")[1].endswith("_null_spread")


def column(name: str, findings: Findings) -> ColumnConfig:
    """How a column is headed: in words, with what it is on pointing at it."""
    analysis, number = name.split(".", 1)
    about = findings[analysis].about
    what = f"Null: {about.null}" if is_null(number) else f"{about.plain} {about.law} ({about.source})"
    return st.column_config.NumberColumn(number_name_in_words(number), help=plain_markdown(what), format="%.4f")

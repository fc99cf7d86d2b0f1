"""Head table: the numbers of all heads, one of them chosen for the grid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from interp.figures.heads import head_score_figure
from interp.findings import Findings, per_head
from interp.head_score import HeadScore
from interp.result import Result

FIRST = "negative_mass.minority_mass"
HEAD_ANALYSES = (
    "negative_mass",
    "deletion",
    "decision_plane",
    "row_statistics",
    "detectors",
    "prompt_copying",
    "copying",
    "diagonal_ranks",
    "sinks",
    "qk_spectrum",
)


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
        return f"""from app.head_table import chosen_number

chosen_number({{"{self.analysis}": result}}, "{self.analysis}", "{self.column}").score.figure()"""

    @property
    def column(self) -> str:
        """Its name in the table of heads."""
        return f"{self.field}.{self.label}" if self.label else self.field

    @property
    def title(self) -> str:
        """In words."""
        return " ".join(f"{self.field} {self.label}".replace("_", " ").split())

    def figure(self, layer: int, head: int) -> go.Figure:
        """The grid, with points that can be chosen; the open head has a ring."""
        figure = head_score_figure(self.score)
        layers, heads = np.indices(tuple(self.score.value.shape))
        is_open = (layers == layer) & (heads == head)
        figure.add_scatter(
            x=heads.ravel(),
            y=layers.ravel(),
            mode="markers",
            marker={
                "size": 26,
                "color": "rgba(0,0,0,0)",
                "line": {"width": np.where(is_open.ravel(), 3, 0), "color": "#f59e0b"},
            },
            hoverinfo="skip",
            showlegend=False,
        )
        return figure


def number_of(found: Findings) -> ChosenNumber:
    """A box to choose one of the numbers that every head has."""
    names = number_names(found)
    name = st.selectbox(
        "Number", names, index=names.index(FIRST), key="statistic", bind="query-params", format_func=in_words
    )
    return chosen_number(found, *(name or FIRST).split(".", 1))


def number_names(found: Findings) -> list[str]:
    """analysis.column of every number that every head has, nulls left out."""
    return [
        f"{analysis}.{column}"
        for analysis, result in found.items()
        for column in per_head(result)
        if not column.split(".")[0].endswith(("_null", "_null_spread"))
    ]


def in_words(name: str) -> str:
    """The name of a number without underscores."""
    return name.replace("_", " ").replace(".", " · ")


def chosen_number(found: Mapping[str, Result], analysis: str, column: str) -> ChosenNumber:
    """A number by name, with its null where it has one."""
    result = found[analysis]
    field, _, label = column.partition(".")
    numbers = per_head(result)
    null, spread = (numbers.get(f"{field}{end}{'.' if label else ''}{label}") for end in ("_null", "_null_spread"))
    about = result.about.of_fields({field: "value"})
    value = numbers[column].float()
    score = HeadScore(value, null, spread if null is not None else None, about=about)
    return ChosenNumber(analysis, field, label, score)


def head_table(found: Findings) -> tuple[int, int] | None:
    """The table of all numbers; the head of the chosen row."""
    frame = found.to_frame()
    frame = frame[[name for name in frame.columns if not name.split(".")[-1].endswith("spread")]]
    state = st.dataframe(
        frame, hide_index=True, key="heads_table", on_select="rerun", selection_mode="single-row", height=420
    )
    rows = state["selection"]["rows"]
    return (int(frame.iloc[rows[0]]["layer"]), int(frame.iloc[rows[0]]["head"])) if rows else None

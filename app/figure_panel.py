"""Figure panel: a result as its figure, with its table, its meaning, the Python that makes it, and downloads."""

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.components.picture_buttons import picture_buttons
from app.refusals import plain_markdown
from interp.result import Result

MOST_ROWS = 5_000
HEIGHT = 430
# The signed colours of the attention heatmaps in dark mode.
DARK_SIGNED = [
    *("#ffc2b8", "#ff8a78", "#e2504a", "#9d2c34", "#4e1c25"),
    "#12141b",
    *("#16304f", "#1e5690", "#3686d0", "#72b4f4", "#c0e0ff"),
]
MODEBAR = {"displaylogo": False, "displayModeBar": True}


def figure_panel(
    title: str,
    result: Result,
    code: str,
    *,
    key: str,
    figure: go.Figure | None = None,
    on_select: Callable[[Any], None] | None = None,
) -> None:
    """Draw a result; figure: another one than its own. key: of the panel, one per page.

    on_select: called with plotly's selection when points are chosen.
    """
    drawn = result.figure() if figure is None else figure
    with st.container(border=True, key=f"panel_{key}"):
        heading, downloads = st.columns([5, 2], vertical_alignment="center")
        heading.subheader(title, anchor=False)
        with downloads.popover("Save", icon=":material/download:", width="stretch"):
            _downloads(result, drawn, key)
        chart, table, meaning, python = st.tabs(
            ["Figure", "Table", "Meaning", "Code"], key=f"tab_{key}", on_change="rerun"
        )
        if chart.open:
            with chart:
                _chart(drawn, key, on_select)
        if table.open:
            with table:
                _table(result)
        if meaning.open:
            with meaning:
                _meaning(result)
        if python.open:
            python.code(code, language="python")


def _chart(figure: go.Figure, key: str, on_select: Callable[[Any], None] | None) -> None:
    height = figure.layout.height or HEIGHT  # type: ignore[attr-defined]
    shown = go.Figure(figure).update_layout(title=None, margin={"t": 40, "l": 60, "r": 20, "b": 50}, height=height)
    if st.context.theme.type == "dark":
        shown.update_traces(colorscale=DARK_SIGNED, selector=is_signed)
    if on_select is None:
        st.plotly_chart(shown, key=f"chart_{key}", config=MODEBAR)
        return

    def selected() -> None:
        on_select(st.session_state[f"chart_{key}"]["selection"])

    st.plotly_chart(shown, key=f"chart_{key}", config=MODEBAR, on_select=selected, selection_mode="points")


def is_signed(trace: Any) -> bool:
    """Whether a trace is a heatmap about zero, which is white on paper and dark in the dark."""
    return trace.type == "heatmap" and (trace.zmin or 0) < 0


def _table(result: Result) -> None:
    frame = result.to_frame()
    st.dataframe(frame.head(MOST_ROWS), hide_index=True)
    if len(frame) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(frame):,} rows; the CSV has all.")


def _meaning(result: Result) -> None:
    about = result.about
    said = {
        "what it is": about.law,
        "unit": about.unit,
        "null": about.null,
        "assumes": ", ".join(one.replace("_", " ") for one in about.assumes),
        "depends on the gauge": ", ".join(about.gauge_dependent),
        "source": about.source,
    }
    st.markdown("\n".join(f"- **{name}**: {plain_markdown(words)}" for name, words in said.items() if words))
    st.markdown(plain_markdown(type(result).__doc__ or ""))


def _downloads(result: Result, figure: go.Figure, key: str) -> None:
    name = key.replace("_", "-")
    picture_buttons(figure, name, key)
    st.download_button(
        "CSV", result.to_csv, f"{name}.csv", "text/csv", key=f"csv_{key}", on_click="ignore", width="stretch"
    )
    st.download_button(
        "HTML",
        lambda: str(figure.to_html(include_plotlyjs=True)),
        f"{name}.html",
        "text/html",
        key=f"html_{key}",
        on_click="ignore",
        width="stretch",
    )

"""Figure panel: a result as its figure, with its table, its meaning, the Python that makes it, and downloads."""

import re
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from headscope.app.components.picture_buttons import picture_buttons
from headscope.app.figure.constant import constant_value, does_not_apply
from headscope.app.figure.glossary import help_with
from headscope.app.figure.meaning import meaning
from headscope.app.figure.menu import with_menu_chosen
from headscope.app.figure.saved_as import saved_name, with_origin
from headscope.app.figure.table import csv_of, result_table
from headscope.app.frame.selected_points import OnSelect
from headscope.app.serving.refusals import plain_markdown
from headscope.interp.figures.drawing.dark import dark_figure
from headscope.interp.figures.drawing.null_marks import marks_in_words
from headscope.interp.figures.drawing.parts import figure_layout, figure_traces
from headscope.interp.results.numbers import is_null
from headscope.interp.results.result import Result

HEIGHT = 430
INK = "#31333f"
MODEBAR = {"displaylogo": False}
TABS = ("Figure", "Table", "Meaning", "Code")


def figure_panel(
    title: str,
    result: Result,
    code: str,
    *,
    key: str,
    figure: go.Figure | None = None,
    field: str | None = None,
    on_select: OnSelect | None = None,
    if_constant: str = "",
) -> None:
    """Draw a result; figure: another one than its own. field: what it draws, and its table shows first.

    key: of the panel, one per page; the tab and the view of a menu stand in the address under it. on_select: called
    with plotly's selection when points are chosen. if_constant: why a grid may have one number in all of its cells,
    which is then not drawn.
    """
    drawn = result.figure() if figure is None else figure
    with st.container(border=True, key=f"panel_{key}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"heading-of-{key}"):
            st.subheader(title, anchor=False, width="stretch", help=help_with(words_in_figure(title, result, drawn)))
            downloads = st.container(width="content")
        chart, *others = st.tabs(TABS, key=f"tab_{key}", on_change="rerun", bind="query-params")
        with chart:
            drawn = with_menu_chosen(drawn, key, is_shown=bool(chart.open))
            if chart.open:
                _chart_or_sentence(drawn, key, on_select, if_constant)
                st.caption(plain_markdown(sentence_below(result, drawn)))
        _tabs_beside(others, result, code, field, key)
        save = downloads.popover(
            "Save", icon=":material/download:", type="tertiary", key=f"save_{key}", on_change="rerun"
        )
        if save.open:
            with save:
                _downloads(result, drawn, field, key)


def _tabs_beside(tabs: Sequence[TabContainer], result: Result, code: str, field: str | None, key: str) -> None:
    """What the open one of the tabs beside the figure holds."""
    table, words, python = tabs
    if table.open:
        with table:
            result_table(result, field, key)
    if words.open:
        with words:
            meaning(result, field)
    if python.open:
        python.code(code, language="python")


def sentence_below(result: Result, figure: go.Figure) -> str:
    """What the numbers say, in one plain sentence, and what the marks of the figure mean."""
    about = result.about
    first = re.split(r"(?<=[.!?]) ", about.plain)[0] or f"{about.law}."
    return " ".join([first, *marks_in_words(figure_traces(figure))])


def words_in_figure(title: str, result: Result, figure: go.Figure) -> list[str]:
    """What stands on a panel: its title, the null that its numbers have, axes, legends and bars."""
    layout = figure_layout(figure)
    axes = [layout.xaxis.title.text, layout.yaxis.title.text, layout.title.text]
    names = [trace["name"] for trace in figure_traces(figure)]
    has_null = "null" if any(is_null(name) for name in result.tensors()) else ""
    return [str(words) for words in (title, has_null, *axes, *names) if words]


def _chart_or_sentence(figure: go.Figure, key: str, on_select: OnSelect | None, if_constant: str) -> None:
    if (value := constant_value(figure)) is None:
        _chart(figure, key, on_select)
    else:
        st.info(plain_markdown(does_not_apply(value, if_constant)), icon=":material/do_not_disturb_on:")


def _chart(figure: go.Figure, key: str, on_select: OnSelect | None) -> None:
    height = figure_layout(figure).height or HEIGHT
    shown = go.Figure(figure).update_layout(title=None, margin={"t": 40, "l": 60, "r": 20}, height=height)
    if st.context.theme.type == "dark":
        shown = dark_figure(shown)
    else:  # else Streamlit's theme makes them paler than can be read well
        ink = {"tickfont_color": INK, "title_font_color": INK}
        shown.update_layout(font_color=INK).update_xaxes(ink).update_yaxes(ink)
    if on_select is None:
        st.plotly_chart(shown, key=f"chart_{key}", config=MODEBAR)
        return

    def selected() -> None:
        on_select(st.session_state[f"chart_{key}"]["selection"])

    st.plotly_chart(shown, key=f"chart_{key}", config=MODEBAR, on_select=selected)


def _downloads(result: Result, figure: go.Figure, field: str | None, key: str) -> None:
    name, figure = saved_name(key), with_origin(figure)
    picture_buttons(figure, name, key)
    st.download_button(
        "CSV",
        lambda: csv_of(result, field, key),
        f"{name}.csv",
        "text/csv",
        key=f"csv_{key}",
        on_click="ignore",
        width="stretch",
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

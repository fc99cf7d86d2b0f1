"""Passage lines: where the open head does most of something, a line each that opens as the prompt."""

import streamlit as st

from headscope.app.components.passages import PassageLine, passage_list
from headscope.app.figure.code import bos_code, model_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.page import OpenPrompt
from headscope.app.frame.prompt_box import write_prompt
from headscope.app.frame.row_view import OF_TOKENS, write_row
from headscope.app.panels.passages.corpora import Corpus
from headscope.app.serving.address import OpenHead
from headscope.app.serving.background.corpus_reading import CorpusReading
from headscope.interp.corpus.extremes import MEASURES
from headscope.interp.corpus.head_passages import HeadPassages, most_extreme
from headscope.interp.corpus.passages import Passage

WORDS = {
    "strongest_weight": "strongest weight",
    "negative_mass": "most negative row",
    "deletion": "deletion",
    "copying": "copying",
}


def passages_panel(opened: OpenPrompt, head: OpenHead, reading: CorpusReading, corpus: Corpus) -> None:
    """The choice of a number, and the passages where the head has most of it."""
    by = st.segmented_control(
        "Most",
        MEASURES,
        default=MEASURES[0],
        required=True,
        key="passages_by",
        bind="query-params",
        format_func=WORDS.__getitem__,
        label_visibility="collapsed",
    )
    by = by or MEASURES[0]
    result = passages_of(opened, head, reading, corpus, by)
    st.caption(caption_of(result, reading))
    by_place = {passage.where: passage for passage in reading.passages}
    chosen = [by_place[where] for where in result.wheres]

    def open_passage(number: int) -> None:
        write_prompt(chosen[number].text)
        st.session_state[OF_TOKENS] = chosen[number].tokens.ids  # or its row would be that of another prompt
        write_row(int(result.row[number]))

    lines = [passage_line(result, at, passage) for at, passage in enumerate(chosen)]
    passage_list(lines, "corpus_passages", open_passage)
    if st.toggle("As a figure, a table and Python", key="passages_figure_open", bind="query-params"):
        code = passages_code(opened, head, by, corpus, reading)
        figure_panel(result.about.title, result, code, key="passages_figure")


def passages_of(opened: OpenPrompt, head: OpenHead, reading: CorpusReading, corpus: Corpus, by: str) -> HeadPassages:
    """The most extreme of those that were read."""
    read, extremes = reading.passages[: reading.done], reading.extremes()
    request = ("passages", corpus, reading.total, reading.done, opened.bos, head, by)
    return opened.service.kept(request, lambda model: most_extreme(model, read, extremes, head.layer, head.head, by))


def passage_line(result: HeadPassages, at: int, passage: Passage) -> PassageLine:
    """One of them as its line."""
    row, key = int(result.row[at]), int(result.key[at])
    value, weight = float(result.value[at]), float(result.weight[at])
    is_pale = bool(result.is_near_null[at])
    return PassageLine(
        passage.tokens.strings, row, key, weight, value, null_in_words(result, at), passage.where, is_pale
    )


def caption_of(result: HeadPassages, reading: CorpusReading) -> str:
    """What the numbers are, and what they are beside."""
    part = "" if reading.is_done else f" of {reading.total}"
    return (
        f"{result.head} in {result.read}{part} passages: {result.usual:.3g} ± {result.usual_spread:.2g} in all, its "
        f"largest here, in {result.about.unit}. A box is round the row that reads; what it reads is blue where the "
        "weight adds and red where it subtracts. A thin number is within two spreads of the other heads' there. Choose "
        "a passage to open it as the prompt, with this head and row."
    )


def null_in_words(result: HeadPassages, at: int) -> str:
    """The number of the other heads, as a short phrase."""
    mean, spread = float(result.value_null[at]), float(result.value_null_spread[at])
    return f"others {mean:.2g} ± {spread:.2g}" if mean == mean else "no other head"


def passages_code(opened: OpenPrompt, head: OpenHead, by: str, corpus: Corpus, reading: CorpusReading) -> str:
    """The lines that find the passages again."""
    return f"""from headscope import load
from headscope.interp.corpus.head_passages import head_passages
{corpus.code}
model = {model_code(opened)}
passages = head_passages(model, texts, {head.layer}, {head.head}, "{by}", count={reading.total}{bos_code(opened)})
passages.figure()"""

"""Meaning: what the numbers of a result are, in plain words, with their formula, null and paper."""

import re

import streamlit as st

from headscope.app.serving.refusals import plain_markdown
from headscope.interp.results.gauges import MEANINGS
from headscope.interp.results.result import Result
from headscope.models.hosts.words import reworded

GAUGE = (
    "A change of gauge is a change of the model's weights that leaves everything it computes alone, such as turning "
    "the signs of a head's queries and values at once. A number that such a change alters says something of how the "
    "weights are written down, and nothing of what the model does."
)


def meaning(result: Result, field: str | None = None) -> None:
    """Draw the meaning; field: the number that the figure draws, which is set in bold among the others."""
    about = result.about
    if about.plain:
        st.markdown(plain_markdown(about.plain))
    entry = {
        "formula": about.law,
        "unit": about.unit,
        "null": about.null,
        "assumes": ", ".join(assume.replace("_", " ") for assume in about.assumes),
        "depends on the gauge": "; ".join(
            f"{MEANINGS[gauge]}: {', '.join(fields)}" for gauge, fields in about.by_gauge.items()
        ),
        "source": about.source,
    }
    st.markdown("\n".join(f"- **{name}**: {plain_markdown(words)}" for name, words in entry.items() if words))
    if about.gauge_dependent:
        st.caption(GAUGE)
    record = reworded(type(result).__doc__ or "", about.words)
    st.markdown(with_bold(plain_markdown(record), plain_markdown(field or "")))


def with_bold(markdown: str, word: str) -> str:
    """The same with one whole word in bold."""
    return re.sub(rf"(?<![\w\\]){re.escape(word)}(?!\w)", f"**{word}**", markdown) if word else markdown

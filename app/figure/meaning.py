"""Meaning: what the numbers of a result are, in plain words, with their formula, null and paper."""

import re

import streamlit as st

from headscope.app.figure.formula import formula
from headscope.app.figure.glossary import GLOSSARY
from headscope.app.serving.refusals import plain_markdown
from headscope.interp.results.gauges import MEANINGS
from headscope.interp.results.result import Result
from headscope.models.hosts.words import reworded


def meaning(result: Result, field: str | None = None) -> None:
    """Draw the meaning; field: the number that the figure draws, which is set in bold among the others."""
    about = result.about
    if about.plain:
        st.markdown(plain_markdown(about.plain))
    entry = {
        "unit": about.unit,
        "null": about.null,
        "assumes": ", ".join(assume.replace("_", " ") for assume in about.assumes),
        "depends on the gauge": "; ".join(
            f"{MEANINGS[gauge]}: {', '.join(fields)}" for gauge, fields in about.by_gauge.items()
        ),
        "source": about.source,
    }
    lines = [f"- **formula**: {formula(about.law)}"] if about.law else []
    lines += [f"- **{name}**: {plain_markdown(words)}" for name, words in entry.items() if words]
    st.markdown("\n".join(lines))
    if about.gauge_dependent:
        st.caption(GLOSSARY["gauge"])
    record = reworded(type(result).__doc__ or "", about.words)
    st.markdown(with_bold(plain_markdown(record), plain_markdown(field or "")))


def with_bold(markdown: str, word: str) -> str:
    """The same with one whole word in bold."""
    return re.sub(rf"(?<![\w\\]){re.escape(word)}(?!\w)", f"**{word}**", markdown) if word else markdown

"""Page words: the sentences, labels and titles of a page that was run without a browser, and what none of them says."""

import json
import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest

from headscope.models.attention import VARIANTS
from headscope.models.hosts.words import IMAGE_WORDS, TEXT_WORDS

SPOKEN = ("title", "header", "subheader", "caption", "markdown", "info", "warning", "error", "success")
CONTROLS = ("selectbox", "multiselect", "slider", "select_slider", "toggle", "checkbox", "button", "text_input")
AXIS = re.compile(r"[xyz]axis\d*")
# A weight goes from a key to a query; where a token stands is its position; a row is all weights of one query. What
# stands after "Source:" is a paper.
OTHER_WORDS = re.compile(r"\b(destinations?|source tokens?|sources)\b|^source\b(?! of|\\?:)", re.IGNORECASE)
SNAKE_CASE = re.compile(r"\b(?!d_model|d_head)[a-z]+_[a-z][a-z_]*\b")
BEFORE_VOWELS = {word for words in (TEXT_WORDS, IMAGE_WORDS) for word in vars(words).values() if word[0] in "aeio"}
WRONG_ARTICLE = re.compile(rf"\ba ({'|'.join(sorted(map(re.escape, BEFORE_VOWELS)))})\b", re.IGNORECASE)


def page_words(test: AppTest) -> list[str]:
    """What a reader sees of it: sentences, the labels and help of controls, and titles in figures."""
    spoken = [item.value for kind in SPOKEN for item in test.get(kind)]
    controls = [words for kind in CONTROLS for item in test.get(kind) for words in (item.label, item.help)]
    figures = [words for chart in test.get("plotly_chart") for words in figure_words(json.loads(chart.proto.spec))]
    return [str(words) for words in (*spoken, *controls, *figures) if words]


def figure_words(figure: dict[str, Any]) -> Iterator[str]:
    """The titles of a figure's axes and bars, and the names of its traces."""
    for name, axis in figure["layout"].items():
        if AXIS.fullmatch(name):
            yield axis.get("title", {}).get("text", "")
    for trace in figure["data"]:
        yield from (trace.get("name", ""), trace.get("colorbar", {}).get("title", {}).get("text", ""))


def slips(test: AppTest) -> list[str]:
    """Sentences with another word for where a weight lies, or with "a" before a vowel."""
    return [words for words in page_words(test) if OTHER_WORDS.search(words) or WRONG_ARTICLE.search(words)]


def python_names(test: AppTest) -> list[str]:
    """Names of fields where a title should stand: in the heads of tables and among the choices of boxes.

    A variant is called there as a spec calls it.
    """
    heads = [head for table in test.dataframe for head in shown_heads(table)]
    choices = [choice for kind in ("selectbox", "multiselect") for box in test.get(kind) for choice in box.options]
    variants = re.compile("|".join(map(re.escape, VARIANTS)))
    return [words for words in (*heads, *choices) if SNAKE_CASE.search(variants.sub("", words))]


def shown_heads(table: Any) -> list[str]:
    """The heads of a table's columns, as they are seen."""
    titles = json.loads(table.proto.columns or "{}")
    return [titles.get(name, {}).get("label") or name for name in map(str, table.value.columns)]

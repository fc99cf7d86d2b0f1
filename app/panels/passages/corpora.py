"""Corpora: the texts in which a head is looked for, shipped ones or a file that was sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from headscope.app.frame.prompt_box import text_just_sent
from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.app.serving.kept.texts import keep_text, kept_text
from headscope.app.serving.refusals import refusals_in_place
from headscope.models.data.document import Document
from headscope.models.data.tasks.indirect_objects import indirect_object_documents
from headscope.models.data.text.stdlib import module_documents, topic_documents

FILE, TEXT = "corpus_file", "corpus_text"
FROM_FILE = "a text file"
STORIES = 2000


@dataclass(frozen=True)
class ShippedCorpus:
    """What makes its documents, and how that is called in Python."""

    documents: Callable[[], list[Document]]
    made_by: Callable[..., object]
    call: str


SHIPPED = {
    "Python's language reference": ShippedCorpus(
        lambda: list(dict.fromkeys(topic_documents())), topic_documents, "list(dict.fromkeys(topic_documents()))"
    ),
    "Python's library": ShippedCorpus(lambda: list(module_documents()), module_documents, "list(module_documents())"),
    "stories of two names": ShippedCorpus(
        lambda: list(indirect_object_documents(STORIES)),
        indirect_object_documents,
        f"list(indirect_object_documents({STORIES}))",
    ),
}


@dataclass(frozen=True)
class Corpus:
    """The name of a corpus, and of a text file the name under which it is kept."""

    name: str
    kept: str = ""

    def documents(self) -> Sequence[Document]:
        """Its texts. Raises ValueError for a file that is no longer kept."""
        if self.name != FROM_FILE:
            return SHIPPED[self.name].documents()
        text = kept_text(self.kept)
        if text is None:
            raise ValueError("the text file that the link names is no longer kept here: send it again")
        return [Document("the file", text)]

    @property
    def code(self) -> str:
        """The lines that make its texts again, as `texts`."""
        if self.name == FROM_FILE:
            return '\ntexts = [open("my.txt").read()]'
        shipped = SHIPPED[self.name]
        name = shipped.made_by
        return f"from {name.__module__} import {name.__name__}\n\ntexts = {shipped.call}"


def chosen_corpus() -> Corpus | None:
    """Draw the choice; None where a file is to be sent first."""
    name = st.selectbox("Corpus", [*SHIPPED, FROM_FILE], key="corpus", bind="query-params")
    if name != FROM_FILE:
        return Corpus(str(name))
    sent_corpus()
    kept = lasting_address_value(TEXT)
    return Corpus(FROM_FILE, kept) if kept else None


def sent_corpus() -> None:
    """A box for a file; what was sent just now is the corpus."""
    with refusals_in_place("This file cannot be looked through"):
        if (text := text_just_sent("Text file to look through", FILE)) is not None:
            write_lasting(**{TEXT: keep_text(text)})

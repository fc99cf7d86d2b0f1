"""Corpora: the texts in which a head is looked for, shipped ones or a file that was sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.app.serving.kept_texts import keep_text, kept_text, text_of_file
from headscope.app.serving.refusals import refusals_in_place
from headscope.models.data.document import Document
from headscope.models.data.tasks.indirect_objects import indirect_object_documents
from headscope.models.data.text.stdlib import module_documents, topic_documents

FILE, SENT, TEXT = "corpus_file", "corpus_file_sent", "corpus_text"
FROM_FILE = "a text file"
STORIES = 2000
SHIPPED: dict[str, Callable[[], list[Document]]] = {
    "Python's language reference": lambda: list(dict.fromkeys(topic_documents())),
    "Python's library": lambda: list(module_documents()),
    "stories of two names": lambda: list(indirect_object_documents(STORIES)),
}


@dataclass(frozen=True)
class Corpus:
    """The name of a corpus, and of a text file the name under which it is kept."""

    name: str
    kept: str = ""

    def documents(self) -> Sequence[Document]:
        """Its texts. Raises ValueError for a file that is no longer kept."""
        if self.name != FROM_FILE:
            return SHIPPED[self.name]()
        text = kept_text(self.kept)
        if text is None:
            raise ValueError("the text file that the link names is no longer kept here: send it again")
        return [Document("the file", text)]


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
    file = st.file_uploader("Text file to look through", key=FILE, label_visibility="collapsed")
    if file is not None and st.session_state.get(SENT) != file.file_id:
        st.session_state[SENT] = file.file_id
        with refusals_in_place("This file cannot be looked through"):
            write_lasting(**{TEXT: keep_text(text_of_file(file.name, file.getbuffer()))})

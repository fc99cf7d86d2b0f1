"""The panel of a head across a corpus: read in the background when asked for, then its most extreme passages."""

import streamlit as st

from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.panels.passages.corpora import Corpus, chosen_corpus
from headscope.app.panels.passages.lines import passages_panel
from headscope.app.serving.address import OpenHead
from headscope.app.serving.background.corpus_reading import CorpusReading
from headscope.app.serving.refusals import refusals_in_place
from headscope.app.serving.runs import RunKey, opened_model
from headscope.interp.asking.costs import duration_in_words, pass_seconds
from headscope.interp.corpus.passages import LENGTH, PASSAGES
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens

COUNTS = (16, PASSAGES, 256)
DEARER = 1.6  # a pass that keeps all patterns, beside one that keeps nothing
EVERY = 1.0  # seconds between two looks at how far it is


@st.cache_resource(max_entries=8, show_spinner=False)
def corpus_reading(folder: str, fingerprint: str, given: tuple, corpus: Corpus, count: int, bos: bool) -> CorpusReading:
    """The reading of a corpus by a model, the same in every session."""
    return CorpusReading(opened_model(folder, fingerprint, given), corpus.documents, count, bos)


def corpus_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """The choice of a corpus, its reading, and the passages of the open head; of models with a tokenizer alone."""
    if not opened.facts.modality.reads_ids or not opened.facts.has_tokenizer:
        return
    with st.container(border=True, key="corpus-panel"):
        if not st.toggle("Look for this head across a corpus", key="corpus_open", bind="query-params"):
            return
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            corpus = chosen_corpus()
            count = st.selectbox("Passages", COUNTS, index=1, key="passages", bind="query-params", width=130)
        if corpus is None:
            st.caption("Send a text file: passages spread evenly over it are read.")
            return
        key: RunKey = opened.key
        reading = corpus_reading(key.folder, key.fingerprint, key.given, corpus, int(count), opened.bos)
        offer_or_progress(opened, reading)
        if reading.done and not reading.is_running:
            with refusals_in_place("Nothing is shown of this corpus"):
                passages_panel(opened, head, reading, corpus)


def offer_or_progress(opened: OpenPrompt, reading: CorpusReading) -> None:
    """How far it is, while it is read; else the button that begins it, or goes on."""
    if reading.is_running:
        watched(reading)
        return
    if (fault := reading.fault) is not None:
        with refusals_in_place("This corpus cannot be read"):
            raise fault
    if reading.is_done:
        return
    left = reading.total - reading.done
    seconds = left * DEARER * seconds_of_passage(opened)
    words = "Read" if not reading.done else "Read the other"
    st.button(
        f"{words} {left} passages (about {duration_in_words(seconds)})",
        icon=":material/play_arrow:",
        key="read_corpus",
        help=f"At most {LENGTH} tokens each, all heads at once, in the background; it is kept, and can be stopped.",
        on_click=reading.begin,
    )


@st.fragment(run_every=EVERY)
def watched(reading: CorpusReading) -> None:
    """A bar that moves while the rest of the page can be used; the page follows when the reading ends."""
    if not reading.is_running:
        st.rerun()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Stop", icon=":material/stop_circle:", key="stop_corpus", on_click=reading.stop)
        st.progress(reading.done / reading.total, f"passages read: {reading.done} of {reading.total}")


def seconds_of_passage(opened: OpenPrompt) -> float:
    """The seconds of a pass over a passage."""
    ids = tuple(at % opened.facts.vocabulary for at in range(min(LENGTH, opened.facts.context)))

    def timed(model: HookedModel, watch: object) -> float:
        return min(pass_seconds(model, [PromptTokens(ids, ())]) for _ in range(2))

    return shared_result(opened, ("seconds of a passage",), timed)

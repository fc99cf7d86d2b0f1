"""Written: what the model writes after the open prompt, kept for all sessions; the text grows on the page meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from headscope.app.components.new_tokens import TAIL
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.panels.edited_run import Edits
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.edited_attention import edited_attention_run
from headscope.interp.interventions.continuation import Continuation, Grown, continuation
from headscope.interp.reading.continued_text import continued_text
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.watch import Progress

HALVES = "continuations_stopped"  # as far as they came in this session


@dataclass(frozen=True)
class Writing:
    """What is to be written: so many tokens after the open prompt, with edits held on."""

    opened: OpenPrompt
    edits: Edits
    tokens: int

    @property
    def request(self) -> tuple[object, ...]:
        """What it is kept under."""
        return ("continuation", self.opened.key.prompt, self.opened.key.bos, self.edits, self.tokens)

    @property
    def name(self) -> tuple[object, ...]:
        """What tells it from all others, of other models too."""
        return (self.opened.key.name, *self.request)

    @property
    def is_kept(self) -> bool:
        """Whether it was written to its end."""
        return self.opened.service.has(self.request)

    @property
    def half(self) -> Continuation | None:
        """How far it came in this session before it was stopped."""
        return st.session_state.get(HALVES, {}).get(self.name)


@dataclass(frozen=True)
class Text:
    """What was written, perhaps a part of it."""

    writing: Writing
    continuation: Continuation

    @property
    def side(self) -> str:
        """What it is called beside the other."""
        return "changed" if self.writing.edits else "untouched"


def written(writing: Writing) -> Continuation:
    """The continuation, written now where it was not before."""
    opened = writing.opened

    def compute(model: HookedModel) -> Continuation:
        return continuation(model, opened.tokens, writing.edits, writing.tokens, watch=grow)

    with growing_text(writing) as grow:
        return opened.service.kept(writing.request, compute)


@contextmanager
def growing_text(writing: Writing) -> Iterator[Grown]:
    """What shows the text after every new token, and remembers it in case of a stop."""
    bar, place = st.empty(), st.empty()
    halves = st.session_state.setdefault(HALVES, {})

    def grow(result: Continuation) -> None:
        halves[writing.name] = result
        done = len(result.ids)
        bar.progress(done / writing.tokens, f"new tokens: {done} of {writing.tokens}")
        place.text("".join((*result.prompt_strings[-TAIL:], *result.strings)))

    try:
        yield grow
    finally:
        bar.empty()
        place.empty()


def run_of(text: Text) -> AttentionRun:
    """The attention of the run over the prompt and its new tokens, with the same edits."""
    opened, edits, whole = text.writing.opened, text.writing.edits, text.continuation.whole
    opened.service.refuse_run(whole)
    opened.service.refuse_patterns(whole, len({edit.layer for edit in edits}))

    def compute(model: HookedModel, watch: Progress) -> AttentionRun:
        return edited_attention_run(model, whole, edits, watch)

    return shared_result(opened, ("continued run", whole.ids, edits), compute)


def text_of(text: Text) -> str:
    """The prompt's text with what was written after it."""
    opened = text.writing.opened
    ids, new_ids = text_alone(opened.tokens).ids, tuple(text.continuation.ids.tolist())

    def compute(model: HookedModel) -> str:
        return continued_text(opened.key.prompt, ids, new_ids, tokenizer_of(model))

    return opened.service.kept(("continued text", opened.key.prompt, opened.key.bos, new_ids), compute)


def reread(text: Text, whole: str) -> tuple[int, ...]:
    """The ids that the model would read of it as a prompt."""
    opened = text.writing.opened
    return text_alone(opened.service.tokens(whole, opened.key.bos)).ids

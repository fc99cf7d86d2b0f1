"""Long prompt: a text of more tokens than can be read is refused, and its first or its last ones are offered."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from headscope.app.frame.controls import sidebar_model
from headscope.app.frame.first_token import BOS
from headscope.app.frame.prompt_box import current_prompt, write_prompt
from headscope.app.serving.refusals import box
from headscope.app.serving.service import ModelService
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt_tokens import PromptTooLongError
from headscope.interp.reading.shortened_prompt import End

ENDS: tuple[End, ...] = ("first", "last")


@contextmanager
def shorter_ones_offered(service: ModelService[ModelFacts]) -> Iterator[None]:
    """Show a prompt that is too long in a box, with a button for each of its ends; the page ends there."""
    try:
        yield
    except PromptTooLongError as refusal:
        box("This prompt is too long to be read whole", refusal)
        with st.container(horizontal=True, gap="small"):
            for end in ENDS:
                words = f"Keep the {end} {refusal.most:,} tokens"
                st.button(words, on_click=keep_tokens, args=(service, sidebar_model(), refusal.most, end))
        st.stop()


def keep_tokens(service: ModelService[ModelFacts], model: tuple[object, ...], most: int, end: End) -> None:
    """Shorten what stands in the prompt box now; nothing where another model was chosen since the button was drawn."""
    if sidebar_model() == model:
        bos = bool(st.session_state.get(BOS))
        write_prompt(service.shortened(current_prompt(), bos, most, end))

"""Openable: where a model cannot be opened yet, what the user can do about it stands below the reason."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from headscope.app.frame.controls import sidebar_choice
from headscope.app.serving.given_facts import facts_in_link, write_facts
from headscope.app.serving.refusals import box, plain_markdown, refusals_in_place
from headscope.models.checkpoints.converters.facts import Fact, MissingFactsError
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.hub import FETCHED, NotFetchedError, fetched_repository, hub_address

TITLE = "This model cannot be opened yet"


@contextmanager
def ways_to_open() -> Iterator[None]:
    """Show a form for facts that are missing, and a button for a model that is not here; the page ends there."""
    try:
        yield
    except NotFetchedError as refusal:
        offer_to_fetch(refusal.name)
        st.stop()
    except MissingFactsError as refusal:
        ask_for_facts(refusal)
        st.stop()
    except CheckpointError as refusal:
        if not (facts := facts_in_link(sidebar_choice().folder)):
            raise
        box("This model cannot be opened", refusal)
        said_anew(facts)
        st.stop()


def offer_to_fetch(name: str) -> None:
    """What would be fetched and from where, and the button that does it."""
    st.info(
        f"**{plain_markdown(name)} is not on this computer**\n\nIts {FETCHED} would come from "
        f"{plain_markdown(hub_address())} into the hub's cache. No code is fetched, and nothing without a click.",
        icon=":material/download:",
    )
    if st.button(f"Fetch {name} from {hub_address()}"):
        with refusals_in_place("This model cannot be fetched"), st.spinner(f"Fetching {name} …"):
            fetched_repository(name)
            st.rerun()


def ask_for_facts(refusal: MissingFactsError) -> None:
    """A form of what the file does not say; what is chosen goes into the link, and the model opens with it."""
    file, kind = plain_markdown(refusal.file.name), plain_markdown(refusal.kind)
    st.info(
        f"**{TITLE}**\n\n{file} is {kind}, which does not say what is asked for below. A wrong answer opens another "
        "model than was trained.",
        icon=":material/help:",
    )
    with st.form("facts", border=False):
        values = {name: fact_box(name, fact) for name, fact in refusal.missing.items()}
        is_sent = st.form_submit_button("Open with these")
    if is_sent:
        folder = sidebar_choice().folder
        facts = {name: value for name, value in values.items() if value}
        write_facts(folder, dict(facts_in_link(folder)) | facts)
        st.rerun()


def fact_box(name: str, fact: Fact) -> str:
    """The box of one fact; what it says as a text, empty where nothing was said."""
    label, key = f"{name}: {fact.words}", f"fact_{name}"
    if options := fact.choices or (("true", "false") if fact.kind is bool else ()):
        return st.selectbox(label, options, index=None, key=key) or ""
    return st.text_input(label, key=key, placeholder=fact.possible).strip()


def said_anew(facts: tuple[tuple[str, str], ...]) -> None:
    """What was said of the model, and a button that takes it back, so that it is asked for again."""
    st.caption(plain_markdown("You said: " + ", ".join(f"{name} = {value}" for name, value in facts)))
    st.button("Say it anew", on_click=forget, type="tertiary")


def forget() -> None:
    """Take back what was said."""
    write_facts(sidebar_choice().folder, {})

"""Answers: a choice made in a component is answered once, and before any button reads what was chosen.

Streamlit calls the callbacks of its own widgets before those of components: of a head that is chosen and a button that
is pressed while the page is still busy, it hears the button first.
"""

from collections.abc import Callable

import streamlit as st

from headscope.models.io.fields import Fields

ANSWERS, ANSWERED = "answers", "answered"


def answer_callback(key: str, name: str, answer: Callable[[Fields], None]) -> Callable[[], None]:
    """A callback of the component under a key: `answer` gets the record that its state holds under a name.

    Every choice has a stamp of its own, so that the same one made again is a new one.
    """

    def callback() -> None:
        choice = (st.session_state.get(key) or {}).get(name)
        answered = st.session_state.setdefault(ANSWERED, {})
        if choice and choice["stamp"] != answered.get((key, name)):
            answered[key, name] = choice["stamp"]
            answer(choice)

    st.session_state.setdefault(ANSWERS, {})[key, name] = callback
    return callback


def answer_all() -> None:
    """Answer what was chosen in components and waits for its callback."""
    for callback in st.session_state.get(ANSWERS, {}).values():
        callback()

"""Head reader: answers what a head view asks while somebody points at it."""

import streamlit as st
from streamlit.components.v2 import component

from headscope.app.components.source import source_text
from headscope.app.drawings.head_answer import ReadHead, answer
from headscope.app.drawings.payload import payload
from headscope.app.drawings.source import drawing_text
from headscope.models.io.fields import Fields

_mount = component(
    "headscope_head_reader",
    html='<i class="reader" hidden></i>',
    js=drawing_text("payload.js", "head_questions.js") + source_text("head_reader.js"),
)


@st.fragment
def head_reader(read: ReadHead, line: tuple[str, int]) -> None:
    """Answer the view's last question, or send the line that the page shows; a question runs this alone again."""
    key = f"reader-of-{read.view}"
    question: Fields | None = st.session_state.pop(f"asked-of-{read.view}", None)

    def hear() -> None:
        st.session_state[f"asked-of-{read.view}"] = (st.session_state.get(key) or {}).get("ask")

    is_own = question is not None and (question.get("run"), question.get("name")) == (read.run_name, read.name)
    header, arrays = answer(read, question["part"] if question and is_own else {"kind": line[0], "index": line[1]})
    stamp = question["stamp"] if question else 0
    own = {"view": read.view, "run": read.run_name, "name": read.name, "stamp": stamp}
    _mount(key=key, data=payload({**own, **header}, **arrays), on_ask_change=hear)

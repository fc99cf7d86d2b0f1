"""Title line: the name of a page, its sentence, and a link that says what all pages are for."""

import streamlit as st

SHOWN = "shown_place"  # what a saved figure says of the page that it comes from
NO_BOXES = """[data-testid="stSidebarUserContent"] { display: none; }
.stApp:not(:has([data-testid="stSidebarNavLink"])) {
  [data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none; }
}"""
LINES = """**Attention** shows every head of a model on your prompt: blue adds, red subtracts, grey is masked. A click
opens a head; pointing at a token shows what it attends to.

**Heads** shows any number of every head beside its null: what it would be if there were nothing to find. The open head
goes along from page to page.

**Deletion & copying** says whether a head raises or lowers the tokens that it reads. **Collapse** follows two nearly
equal prompts through the layers, **Geometry** shows where queries and keys lie, **Compare & trajectories** sets two
models side by side, or one through its training.

The address bar holds the view: copy it to share. Every figure has its numbers, its meaning and the Python that makes it
beside it, and can be saved."""


def title_line(title: str, sentence: str) -> None:
    """Draw it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="title-line"):
        st.title(title, anchor=False, width="content")
        st.caption(sentence, width="stretch")
        with st.popover("Help", icon=":material/help:", type="tertiary"):
            st.markdown(LINES)


def without_sidebar() -> None:
    """Leave the sidebar out of a page that reads nothing of it; its boxes keep what is chosen in them.

    On a small screen it holds the links to pages, and stays for them alone.
    """
    st.session_state.pop(SHOWN, None)
    st.html(f"<style>{NO_BOXES}</style>")

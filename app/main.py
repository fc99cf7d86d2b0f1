"""Entry of the application: `streamlit run app/main.py`. Names the pages and shows the chosen one."""

from pathlib import Path

import streamlit as st

from headscope.app.components.page_scheme import page_scheme
from headscope.app.frame.controls import BOXES, prompt_and_model
from headscope.app.frame.link_notes import ASKED, link_notes, remember_link
from headscope.app.serving.address import keep_boxes, restore_boxes
from headscope.app.serving.libraries import load_libraries
from headscope.app.serving.refusal_log import write_refusal_log

HERE = Path(__file__).parent

# Before st.navigation, and with a local icon: otherwise the browser asks a font host for one.
SIDEBAR = 272  # pixels of its width

st.set_page_config(
    page_title="headscope",
    page_icon=str(HERE / "static" / "icon.png"),
    layout="wide",
    initial_sidebar_state=SIDEBAR,
)
st.logo(str(HERE / "static" / "wordmark.svg"), size="medium")

st.html(HERE / "page_style.css")
load_libraries()
write_refusal_log()

PAGES = {
    "attention": "Attention",
    "heads": "Heads",
    "deletion": "Deletion & copying",
    "collapse": "Collapse",
    "geometry": "Geometry",
    "compare": "Compare & trajectories",
    "diffusion": "Diffusion",
    "experiments": "Experiments",
    "analyses": "All analyses",
}

shown = st.navigation(
    [
        st.Page(
            HERE / "views" / f"{name}.py",
            title=title,
            url_path=None if name == "attention" else name,
            default=name == "attention",
        )
        for name, title in PAGES.items()
    ],
    position="top",
)
remember_link()
page_scheme()
restore_boxes(BOXES, st.session_state[ASKED])
with st.sidebar:
    prompt_and_model()
keep_boxes(BOXES)
notes = st.container()
shown.run()
with notes:
    link_notes()

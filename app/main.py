"""Entry of the application: `streamlit run app/main.py`. Names the pages and shows the chosen one."""

from pathlib import Path

import streamlit as st

from headscope.app.frame.controls import model_and_prompt
from headscope.app.frame.link_notes import link_notes, remember_link
from headscope.app.frame.tour import offer_tour
from headscope.app.serving.libraries import load_libraries
from headscope.app.serving.refusal_log import write_refusal_log
from headscope.models.io.device import best_device

HERE = Path(__file__).parent

# Before st.navigation, and with a local icon: otherwise the browser asks a font host for one.
st.set_page_config(page_title="headscope", page_icon=str(HERE / "static" / "icon.png"), layout="wide")
st.logo(str(HERE / "static" / "wordmark.svg"), size="large")

st.html(HERE / "page_style.css")
load_libraries()
write_refusal_log()

PAGES = {
    "attention": ("Attention", "grid_on"),
    "heads": ("Heads", "apps"),
    "deletion": ("Deletion & copying", "ink_eraser"),
    "collapse": ("Collapse", "compress"),
    "geometry": ("Geometry", "scatter_plot"),
    "compare": ("Compare & trajectories", "compare_arrows"),
    "diffusion": ("Diffusion", "blur_on"),
    "experiments": ("Experiments", "science"),
    "analyses": ("All analyses", "list_alt"),
}

shown = st.navigation(
    [
        st.Page(
            HERE / "views" / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=None if name == "attention" else name,
            default=name == "attention",
        )
        for name, (title, icon) in PAGES.items()
    ]
)
st.session_state.setdefault("is_fresh", not st.query_params)
remember_link()
with st.sidebar:
    model_and_prompt()
    st.caption(f"Models run on {best_device()} here.")
    offer_tour(is_fresh=st.session_state["is_fresh"])
notes = st.container()
shown.run()
with notes:
    link_notes()

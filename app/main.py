"""Entry of the application: `streamlit run app/main.py`. Names the pages and shows the chosen one."""

from pathlib import Path

import streamlit as st

from app.libraries import load_libraries

HERE = Path(__file__).parent

# Before st.navigation, and with a local icon: otherwise the browser asks a font host for one.
st.set_page_config(page_title="headscope", page_icon=str(HERE / "static" / "icon.png"), layout="wide")
st.logo(str(HERE / "static" / "wordmark.svg"), size="large")

st.html(HERE / "page_style.css")
load_libraries()

PAGES = [st.Page(HERE / "views" / "attention.py", title="Attention", icon=":material/grid_on:", default=True)]

st.navigation(PAGES).run()

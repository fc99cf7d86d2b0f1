"""The Geometry page: where queries and keys lie, which angles attention uses, and what the weights allow."""

import streamlit as st

from headscope.app.figure.code import analysis_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import head_chooser
from headscope.app.frame.page import analysed, page
from headscope.app.panels.geometry import angles_panels, map_panel, spectrum_panels
from headscope.app.serving.refusals import refusals_in_place

opened = page("Geometry", "Where the queries and keys of a head lie, and at which angles its attention goes.")
head = head_chooser(opened.facts)
with refusals_in_place("This map cannot be drawn"):
    map_panel(opened, head)
with refusals_in_place("The angles cannot be computed"):
    angles_panels(opened, head, *st.columns(2, gap="medium"))
with refusals_in_place("The spectra cannot be computed"):
    spectrum_panels(opened, head, *st.columns(2, gap="medium"))
if opened.facts.learns_temperatures:
    with refusals_in_place("The temperatures cannot be shown"):
        figure_panel(
            opened.in_words("Temperatures by layer and {token}"),
            analysed(opened, ("temperatures",))["temperatures"],
            analysis_code(opened, "temperatures"),
            key="temperatures",
        )

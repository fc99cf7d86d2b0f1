"""The Geometry page: where queries and keys lie, which angles attention uses, and what the weights allow."""

import streamlit as st

from app.components.fact_strip import fact_strip
from app.figure_panel import figure_panel
from app.geometry_panels import map_panel
from app.head_chooser import head_chooser, open_from_points
from app.page import analysed, page
from app.python_code import analysis_code
from interp.circuits.qk_spectrum import QKSpectrum
from interp.figures.circuits import eigenvalue_figure
from interp.figures.geometry import angle_histogram_figure
from interp.geometry.angles import Angles

opened = page("Geometry", "Where the queries and keys of a head lie, and at which angles its attention goes.")
facts = opened.facts
fact_strip(facts, len(opened.tokens.ids))
head = head_chooser(facts)
tempered = ("temperatures",) if facts.variant == "selective" else ()
found = analysed(opened, ("angles", "qk_spectrum", *tempered))
map_panel(opened, head)

left, right = st.columns(2, gap="medium")
at = f"{head.layer}, {head.head}"
with left:
    figure_panel(
        f"Angles of L{head.layer}H{head.head}",
        found["angles"],
        analysis_code(
            opened,
            "angles",
            figure="from interp.figures.geometry import angle_histogram_figure\n\n"
            f"angle_histogram_figure(result, {at})",
        ),
        key="histogram",
        figure=angle_histogram_figure(found.of("angles", Angles), head.layer, head.head),
    )
    figure_panel("Spectra of W_QK", found["qk_spectrum"], analysis_code(opened, "qk_spectrum"), key="spectrum")
with right:
    figure_panel(
        "Angles of all heads",
        found["angles"],
        analysis_code(opened, "angles"),
        key="angles",
        on_select=open_from_points(facts),
    )
    figure_panel(
        f"Eigenvalues of W_QK in L{head.layer}H{head.head}",
        found["qk_spectrum"],
        analysis_code(
            opened,
            "qk_spectrum",
            figure=f"from interp.figures.circuits import eigenvalue_figure\n\neigenvalue_figure(result, {at})",
        ),
        key="eigenvalues",
        figure=eigenvalue_figure(found.of("qk_spectrum", QKSpectrum), head.layer, head.head),
    )
if tempered:
    code = analysis_code(opened, "temperatures")
    figure_panel("Temperatures by layer and token", found["temperatures"], code, key="temperatures")

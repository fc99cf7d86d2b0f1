"""Panels of the Geometry page: angles and spectra of the open head beside those of all heads, and the map."""

from importlib.util import find_spec
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from headscope.app.figure.code import analysis_code, asked_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import open_from_points
from headscope.app.frame.page import OpenPrompt, analysed, shared_result
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.panels.map_points import COLOURS, coloured_map, points_panel, remember_points
from headscope.app.serving.address import OpenHead
from headscope.interp.analysis import Setting
from headscope.interp.circuits.qk_spectrum import QKSpectrum
from headscope.interp.figures.circuits import eigenvalue_figure
from headscope.interp.figures.geometry import angle_histogram_figure
from headscope.interp.geometry.angles import Angles
from headscope.interp.geometry.embedding import Embedding, JointEmbedding
from headscope.interp.geometry.rows import PATTERN, QUERY_KEY, embedding_of
from headscope.interp.reading.activations import SCORES, gathered_activations
from headscope.interp.reading.hooked_model import HookedModel

METHODS = {"pca": "", "tsne": "sklearn", "umap": "umap"}
NAMES = {"pca": "principal axes", "tsne": "t-SNE", "umap": "UMAP"}
ALWAYS: Any = {"required": True, "bind": "query-params"}
NEEDS = (*QUERY_KEY, PATTERN, SCORES)


def map_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """Draw the choices, the map, and what the chosen points are."""
    installed = [name for name, module in METHODS.items() if not module or find_spec(module)]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        method = st.segmented_control(
            "Map by", installed, default="pca", key="method", format_func=lambda name: NAMES[name], **ALWAYS
        )
        dims = st.segmented_control("Dimensions", [2, 3], default=2, key="dims", **ALWAYS)
        colour = st.segmented_control("Colour", COLOURS, default="kind", key="colour", **ALWAYS)
    how = Embedding(method or "pca", dims or 2)
    result = open_head_embedding(opened, head, how)
    figure_panel(
        f"Queries and keys of L{head.layer}H{head.head}",
        result,
        map_code(opened, head, how, colour or "kind"),
        key="map",
        figure=coloured_map(result, colour or "kind"),
        on_select=remember_points,
    )
    points_panel(opened, head, result)


def open_head_embedding(opened: OpenPrompt, head: OpenHead, how: Embedding) -> JointEmbedding:
    """The map of the open head."""
    weights = opened.service.weights

    def compute(model: HookedModel, watch: object) -> JointEmbedding:
        [run] = gathered_activations(model, [opened.tokens], NEEDS)
        return embedding_of(Setting(opened.facts, lambda: weights), run, head.layer, head.head, how)

    return shared_result(opened, ("map", opened.key.prompt, opened.key.bos, head, how), compute)


def map_code(opened: OpenPrompt, head: OpenHead, how: Embedding, colour: str) -> str:
    """The lines that make the map again."""
    return f"""from headscope.app.panels.map_points import coloured_map
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.interp.reading.activations import SCORES, gathered_activations
from headscope.interp.geometry.embedding import Embedding
from headscope.interp.geometry.rows import PATTERN, QUERY_KEY, embedding_of
{asked_code(opened)}
[run] = gathered_activations(model, asked.prompts, (*QUERY_KEY, PATTERN, SCORES))
how = Embedding({how.method!r}, {how.dims})
coloured_map(embedding_of(asked.setting, run, {head.layer}, {head.head}, how), {colour!r})"""


def angles_panels(opened: OpenPrompt, head: OpenHead, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The histogram of one head, and the shares of all."""
    result = analysed(opened, ("angles",)).of("angles", Angles)
    with left:
        figure_panel(
            f"Angles of L{head.layer}H{head.head}",
            result,
            of_head_code(opened, "angles", "headscope.interp.figures.geometry", "angle_histogram_figure", head),
            key="histogram",
            figure=angle_histogram_figure(result, head.layer, head.head),
            field="pairs",
        )
    with right:
        figure_panel(
            "Angles of all heads",
            result,
            analysis_code(opened, "angles"),
            key="angles",
            field="parallel",
            on_select=open_from_points(opened.facts),
        )


def spectrum_panels(opened: OpenPrompt, head: OpenHead, left: DeltaGenerator, right: DeltaGenerator) -> None:
    """The singular values of all heads, and the eigenvalues of one."""
    result = analysis_when_asked(opened, "qk_spectrum", "Spectra of W_QK")
    if not isinstance(result, QKSpectrum):
        return
    with left:
        figure_panel("Spectra of W_QK", result, analysis_code(opened, "qk_spectrum"), key="spectrum")
    with right:
        figure_panel(
            f"Eigenvalues of W_QK in L{head.layer}H{head.head}",
            result,
            of_head_code(opened, "qk_spectrum", "headscope.interp.figures.circuits", "eigenvalue_figure", head),
            key="eigenvalues",
            figure=eigenvalue_figure(result, head.layer, head.head),
            field="eigenvalues",
        )


def of_head_code(opened: OpenPrompt, analysis: str, module: str, figure: str, head: OpenHead) -> str:
    """The lines that make one head's figure of an analysis again."""
    call = f"from {module} import {figure}\n\n{figure}(result, {head.layer}, {head.head})"
    return analysis_code(opened, analysis, figure=call)

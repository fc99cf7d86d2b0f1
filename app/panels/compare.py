"""Panels of the Compare page: models on one prompt, head beside head, and how far each collapses."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from headscope.app.components.head_view import common_peak
from headscope.app.figure.code import analysis_code, model_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import head_chooser
from headscope.app.frame.left_out import left_out
from headscope.app.frame.other_models import titled
from headscope.app.frame.page import Opened, analysed
from headscope.app.frame.row_view import row_view
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.panels.collapse import PRESETS, fitting_presets
from headscope.app.panels.pattern import pattern_figure
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import refusals_in_place
from headscope.app.serving.runs import RunKey, alike_of, attention_of
from headscope.interp.collapse.comparison import collapse_comparison
from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.heads.attention_run import AttentionRun

BY = ("same head", "most alike head")


@dataclass(frozen=True)
class Shown:
    """A model with its run, and which of its heads stands on the page, and why."""

    title: str
    opened: Opened
    run: AttentionRun
    head: OpenHead
    why: str

    @property
    def name(self) -> str:
        """The head with its model and kernel."""
        variant = self.opened.facts.layer_variants[self.head.layer]
        return f"{self.title}: L{self.head.layer}H{self.head.head} ({variant})"


def side_by_side(models: list[Opened]) -> None:
    """The open head in every model, on one range and one row, and where all their heads lie."""
    by = st.segmented_control("Beside it", BY, default=BY[0], required=True, key="match", bind="query-params")
    head = head_chooser(models[0].facts)
    runs = [attention_of(one.key) for one in models]
    shown = []
    for (title, one), run in zip(titled(models), runs, strict=True):
        with refusals_in_place(f"{title} cannot be set beside the first"):
            shown.append(Shown(title, one, run, *partner((models[0].key, one.key), run, head, by or BY[0])))
    if not shown:
        return
    views = st.columns(len(shown), gap="medium")
    peak = common_peak((one.run, one.head) for one in shown)
    for place, (one, column) in enumerate(zip(shown, views, strict=True)):
        with column.container(border=True):
            st.subheader(one.name, anchor=False)
            st.caption(one.why)
            row_view(one.run, one.opened.key.name, one.head, key=f"compared_{place}", peak=peak)
            pattern_figure(one.opened, one.run, one.head, key=f"compared_figure_{place}")
    planes(shown, st.columns(len(shown), gap="medium"))


def partner(keys: tuple[RunKey, RunKey], run: AttentionRun, head: OpenHead, by: str) -> tuple[OpenHead, str]:
    """The head of a run, the second of two, that stands beside a head of the first, and why that one."""
    layers, heads = run.patterns.shape[:2]
    if by == BY[0] or layers * heads == 1:
        same = OpenHead(min(head.layer, layers - 1), min(head.head, heads - 1))
        there = same == head
        return same, "the same layer and head" if there else f"has no L{head.layer}H{head.head}; the nearest"
    alike = alike_of(keys[0], head, keys[1])
    found = OpenHead(*divmod(int(alike.value.argmax()), heads))
    mean, spread = float(alike.value_null[0, 0]), float(alike.value_null_spread[0, 0])
    return found, f"likeness {float(alike.value.max()):.2f}; any head {mean:.2f} ± {spread:.2f}"


def planes(shown: list[Shown], columns: Any) -> None:
    """The decision plane of every model."""
    if left_out(shown[0].opened, "decision_plane", "Weights or OV circuit"):
        return
    for place, (one, column) in enumerate(zip(shown, columns, strict=True)):
        with column, refusals_in_place(f"{one.title}: the plane cannot be drawn"):
            figure_panel(
                f"{one.title}: weights or OV circuit",
                analysed(one.opened, ("decision_plane",))["decision_plane"],
                analysis_code(one.opened, "decision_plane"),
                key=f"plane_{place}",
            )


def collapse_beside(models: list[Opened]) -> None:
    """D(n) of every model after its final norm, on one preset."""
    presets = [words for words in fitting_presets(models[0]) if PRESETS[words]]
    words = st.segmented_control(
        "Prompts", presets, default=presets[0], required=True, key="preset", bind="query-params"
    )
    name = PRESETS[words or presets[0]]
    found = {title: analysis_when_asked(one, name, f"D(n) of {title}") for title, one in titled(models)}
    curves = {title: one for title, one in found.items() if isinstance(one, CollapseCurves)}
    if len(curves) < len(found):
        return
    figure_panel(
        "How far apart two prompts are, model beside model",
        collapse_comparison(curves),
        collapse_code(models, name),
        key="collapse_beside",
    )


def collapse_code(models: list[Opened], name: str) -> str:
    """The lines that make the figure again."""
    given = f"prompt, [{name!r}], prepend_bos={models[0].bos}"
    opened = ", ".join(f"{title!r}: {model_code(one)}" for title, one in titled(models))
    return f"""from headscope import analyse, load
from headscope.interp.collapse.comparison import collapse_comparison

prompt, models = {models[0].key.prompt!r}, {{{opened}}}
curves = {{name: analyse(model, {given})[{name!r}] for name, model in models.items()}}
collapse_comparison(curves).figure()"""

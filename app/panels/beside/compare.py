"""Panels of the Compare page: models on one prompt, head beside head, and how far each collapses."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from headscope.app.drawings.drawn_head import common_peak
from headscope.app.figure.code import analysis_code, asked_code, model_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import head_chooser
from headscope.app.frame.left_out import left_out
from headscope.app.frame.other_models import models_with_titles
from headscope.app.frame.page import OpenPrompt, analysed
from headscope.app.frame.row_view import row_view
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.panels.collapse import PRESETS, fitting_presets
from headscope.app.panels.pattern import MOST_TOKENS, pattern_figure
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import refusals_in_place
from headscope.app.serving.runs import RunKey, alike_in_other_run, cached_attention_run, head_layers_of
from headscope.interp.collapse.comparison import collapse_comparison
from headscope.interp.collapse.curves import CollapseCurves
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.head_difference import head_difference

BY = ("same head", "most alike head")


@dataclass(frozen=True)
class ComparedHead:
    """A model with its run, and which of its heads stands on the page, and why."""

    title: str
    opened: OpenPrompt
    run: AttentionRun
    head: OpenHead
    why: str

    @property
    def name(self) -> str:
        """The head with its model and kernel."""
        mechanism = self.opened.facts.layer_mechanisms[self.head.layer]
        return f"{self.title}: L{self.head.layer}H{self.head.head} ({mechanism})"


def models_side_by_side(models: list[OpenPrompt]) -> None:
    """The open head in every model, on one range and one row, and where all their heads lie."""
    by = st.segmented_control("Beside it", BY, default=BY[0], required=True, key="match", bind="query-params")
    head = head_chooser(models[0].facts)
    runs = [cached_attention_run(model.key) for model in models]
    shown = []
    for (title, item), run in zip(models_with_titles(models), runs, strict=True):
        with refusals_in_place(f"{title} cannot be set beside the first"):
            shown.append(ComparedHead(title, item, run, *partner((models[0].key, item.key), run, head, by or BY[0])))
    if not shown:
        return
    views = st.columns(len(shown), gap="medium")
    peak = common_peak((item.run, item.head) for item in shown)
    for place, (item, column) in enumerate(zip(shown, views, strict=True)):
        with column.container(border=True):
            st.subheader(item.name, anchor=False)
            st.caption(item.why)
            row_view(item.run, item.opened.key.name, item.head, key=f"compared_{place}", peak=peak)
            pattern_figure(item.opened, item.run, item.head, key=f"compared_figure_{place}")
    for place, item in enumerate(shown[1:], start=1):
        difference_panel(shown[0], item, key=f"difference_{place}")
    planes(shown, st.columns(len(shown), gap="medium"))


def difference_panel(first: ComparedHead, second: ComparedHead, key: str) -> None:
    """Where a head of another model weighs more or less than the first one's; a sentence where there is no such map."""
    if len(first.run.tokens) > MOST_TOKENS:
        return
    heads = [(item.head.layer, item.head.head) for item in (first, second)]
    title = f"{second.name} less {first.name}"
    try:
        result = head_difference(first.run, heads[0], second.run, heads[1], title)
    except ValueError as refusal:
        st.caption(f"No map of the difference: {refusal}.")
        return
    if not result.difference.nan_to_num().any():
        st.caption(f"{title}: both put the same weight on every {first.opened.words.token}.")
        return
    code = f"""from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_difference import head_difference
{asked_code(first.opened)}
other = {model_code(second.opened)}
asked_of_other = asked_of(other, [prompt], Choices(), prepend_bos={second.opened.bos})
runs = attention_run(model, asked.prompts[0]), attention_run(other, asked_of_other.prompts[0])
head_difference(runs[0], {heads[0]}, runs[1], {heads[1]}).figure()"""
    figure_panel(title, result, code, key=key)


def partner(keys: tuple[RunKey, RunKey], run: AttentionRun, head: OpenHead, by: str) -> tuple[OpenHead, str]:
    """The head of a run, the second of two, that stands beside a head of the first, and why that one."""
    layers, heads = head_layers_of(keys[1]), run.n_heads
    if by == BY[0] or len(layers) * heads == 1:
        same = OpenHead(min(layers, key=lambda layer: abs(layer - head.layer)), min(head.head, heads - 1))
        there = same == head
        return same, "the same layer and head" if there else f"has no L{head.layer}H{head.head}; the nearest"
    alike = alike_in_other_run(keys[0], head, keys[1])
    result = OpenHead(*divmod(int(alike.value.nan_to_num(-1).argmax()), heads))
    mean, spread = float(alike.value_null[result.layer, 0]), float(alike.value_null_spread[result.layer, 0])
    return result, f"likeness {float(alike.value[result.layer, result.head]):.2f}; any head {mean:.2f} ± {spread:.2f}"


def planes(shown: list[ComparedHead], columns: Sequence[DeltaGenerator]) -> None:
    """The decision plane of every model."""
    if left_out(shown[0].opened, "decision_plane", "Weights or OV circuit"):
        return
    for place, (item, column) in enumerate(zip(shown, columns, strict=True)):
        with column, refusals_in_place(f"{item.title}: the plane cannot be drawn"):
            figure_panel(
                f"{item.title}: weights or OV circuit",
                analysed(item.opened, ("decision_plane",))["decision_plane"],
                analysis_code(item.opened, "decision_plane"),
                key=f"plane_{place}",
            )


def collapse_beside(models: list[OpenPrompt]) -> None:
    """D(n) of every model after its final norm, on one preset."""
    presets = [words for words in fitting_presets(models[0]) if PRESETS[words]]
    words = st.segmented_control(
        "Prompts", presets, default=presets[0], required=True, key="preset", bind="query-params"
    )
    name = PRESETS[words or presets[0]]
    result = {title: analysis_when_asked(item, name, f"D(n) of {title}") for title, item in models_with_titles(models)}
    curves = {title: item for title, item in result.items() if isinstance(item, CollapseCurves)}
    if len(curves) < len(result):
        return
    figure_panel(
        "How far apart two prompts are, model beside model",
        collapse_comparison(curves),
        collapse_code(models, name),
        key="collapse_beside",
    )


def collapse_code(models: list[OpenPrompt], name: str) -> str:
    """The lines that make the figure again."""
    value = f"prompt, [{name!r}], prepend_bos={models[0].bos}"
    opened = ", ".join(f"{title!r}: {model_code(item)}" for title, item in models_with_titles(models))
    return f"""from headscope import analyse, load
from headscope.interp.collapse.comparison import collapse_comparison

prompt, models = {models[0].key.prompt!r}, {{{opened}}}
curves = {{name: analyse(model, {value})[{name!r}] for name, model in models.items()}}
collapse_comparison(curves).figure()"""

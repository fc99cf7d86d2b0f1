"""Curves of training: any number over the snapshots of runs, and their losses, with the open step marked on them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from headscope.app.figure.code import bos_code, model_code, prompt_code
from headscope.app.figure.head_table import number_name_in_words
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.left_out import can_read
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.frame.when_asked import analysis_when_asked
from headscope.app.serving.address import OpenHead, open_head
from headscope.interp.asking.finding import finding
from headscope.interp.asking.listed_rows import first_number
from headscope.interp.asking.table import ANALYSES
from headscope.interp.figures.trajectories import trajectory_figure, with_step
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.numbers import HEADS, is_null, result_numbers
from headscope.interp.results.result import Result
from headscope.interp.trajectories.losses import losses
from headscope.interp.trajectories.trajectory import Trajectory, trajectory

OVER = ("mean over heads", "the open head")
HEIGHT = 330  # pixels of a curve


def number_panel(opened: OpenPrompt, runs: dict[str, Path], step: int, boxes: Sequence[DeltaGenerator]) -> None:
    """Any number of any analysis, over the snapshots; a line at one step. boxes: the places of its three choices."""
    left, middle, right = boxes
    first_analysis, first_field = first_number(opened.facts).split(".")
    with left:
        analysis = followed_analysis(opened, first_analysis)
    result = analysis_when_asked(opened, analysis, number_name_in_words(analysis))
    if result is None:
        return
    with middle:
        field = followed_field(result, analysis, first_field)
    is_of_heads = result_numbers(result)[field].axes == HEADS
    with right:
        head = open_head(opened.facts) if is_of_heads and is_of_open_head() else None
    number = f"{analysis}.{field}"
    where = f"L{head.layer}H{head.head}" if head else "mean"
    entry = number_trajectory(opened, runs, number, head)
    code = trajectory_code(opened, runs, number, head)
    title = f"{number_name_in_words(number).capitalize()}, {where}"
    figure_panel(title, entry, code, key="trajectory", figure=curve_figure(entry, step))


def followed_analysis(opened: OpenPrompt, first: str) -> str:
    """A box of the analyses whose numbers can be followed; first: the one that it opens with."""
    names = [name for name in ANALYSES if ANALYSES[name].stands_alone and can_read(opened, name)]
    analysis = st.selectbox(
        "Analysis",
        names,
        index=names.index(first),
        key="followed",
        bind="query-params",
        format_func=number_name_in_words,
        help="\n".join(
            f"- {number_name_in_words(name)}: {ANALYSES[name].question(opened.facts.words)}" for name in names
        ),
    )
    return analysis or first


def followed_field(result: Result, analysis: str, first: str) -> str:
    """A box of an analysis' numbers; first: the one that it opens with, where the analysis has it."""
    fields = [name for name in result_numbers(result) if not is_null(name)]
    at = fields.index(first) if first in fields else 0
    field = st.selectbox(
        "Number",
        fields,
        index=at,
        key=f"number_of_{analysis}",
        bind="query-params",
        format_func=number_name_in_words,
    )
    return field or fields[at]


def is_of_open_head() -> bool:
    """Whether the number of the open head is followed, or the mean over all."""
    over = st.segmented_control("Over", OVER, default=OVER[0], required=True, key="over", bind="query-params")
    return over == OVER[1]


def curve_figure(entry: Trajectory, step: int) -> go.Figure:
    """The curves in half of a page, with a line at a step."""
    return with_step(trajectory_figure(entry), step).update_layout(height=HEIGHT)


def losses_panel(runs: dict[str, Path], step: int) -> None:
    """How the losses of those runs fell that wrote it down; a line at one step."""
    words = {name: folder for name, folder in runs.items() if (folder / "history.jsonl").is_file()}
    if not words:
        st.caption("No history of the loss lies beside these runs.")
        return
    code = f"from headscope.interp.trajectories.losses import losses\n\nlosses({as_code(words)}).figure()"
    entry = losses(words)
    figure_panel("Loss while it was trained", entry, code, key="losses", figure=curve_figure(entry, step))


def number_trajectory(opened: OpenPrompt, runs: dict[str, Path], number: str, head: OpenHead | None) -> Trajectory:
    """The trajectory of a number on the open prompt."""
    measure = finding(
        given_prompt(opened), number, head=(head.layer, head.head) if head else None, prepend_bos=opened.bos
    )

    def compute(model: HookedModel, watch: object) -> Trajectory:
        return trajectory(runs, measure, partial(watch, "snapshots"))  # type: ignore[arg-type]

    request = ("trajectory", opened.key.prompt, opened.bos, number, head, tuple(runs.items()))
    return shared_result(opened, request, compute)


def given_prompt(opened: OpenPrompt) -> Sequence[str] | Sequence[Prompt]:
    """The prompt as text, which every model reads with its own tokenizer, or the image."""
    return [opened.key.prompt] if opened.facts.modality.reads_ids else [opened.tokens]


def from_models(need: str) -> str:
    """The import of load, where the prompt is made for a model."""
    return "from headscope import load\n" if need else ""


def as_code(runs: dict[str, Path]) -> str:
    """The runs as Python."""
    return repr({name: str(folder) for name, folder in runs.items()})


def trajectory_code(opened: OpenPrompt, runs: dict[str, Path], number: str, head: OpenHead | None) -> str:
    """The lines that make the figure again."""
    of_head = f", head=({head.layer}, {head.head})" if head else ""
    of_head += bos_code(opened)
    need, prompt = prompt_code(opened)
    model = f"model = {model_code(opened)}\n" if need else ""
    return f"""{need}from headscope.interp.asking.finding import finding
from headscope.interp.trajectories.trajectory import trajectory
{from_models(need)}
{model}runs = {as_code(runs)}
trajectory(runs, finding({prompt}, {number!r}{of_head})).figure()"""

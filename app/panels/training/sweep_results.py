"""A sweep's results: numbers over its checkpoints, and a curve of each, read from the folder where they were kept."""

from pathlib import Path
from typing import Any

import streamlit as st

from headscope.app.figure.head_table import number_name_in_words
from headscope.app.figure.panel import figure_panel
from headscope.app.serving.doors.model_roots import refuse_outside
from headscope.interp.results.numbers import is_null
from headscope.interp.sweeps.numbers_table import along_and_where, axes_of_place
from headscope.interp.sweeps.over_checkpoints import checkpoint_curves, names_in, number_names, sweep_trajectory
from headscope.interp.sweeps.swept import Sweep, open_sweep

OPENING = (
    "from headscope.interp.sweeps.swept import open_sweep\nfrom headscope.interp.sweeps.over_checkpoints import {}\n"
)


def sweep_panels() -> None:
    """A box for the folder of a sweep, and what it holds."""
    place = st.text_input(
        "Results of a sweep",
        key="sweep",
        bind="query-params",
        placeholder="runs/my-sweep",
        help="The folder that `headscope sweep` wrote to: numbers of many models and steps, measured once.",
    )
    if not place:
        return
    folder = Path(place).expanduser()
    refuse_outside(folder)
    result = open_sweep(folder)
    st.caption(f"{len(result.measured)} of {len(result.units)} units are measured.")
    left, middle = st.columns([1, 3], gap="medium")
    prompts = left.selectbox("Prompts", names_in(result.units), key="sweep_prompts", bind="query-params")
    frame: Any = result.to_frame()
    names = list(dict.fromkeys(number_names(frame)))
    names = [name for name in names if not is_null(name.partition(".")[2])]
    number = middle.selectbox(
        "Number", names, key="sweep_number", bind="query-params", format_func=number_name_in_words
    )
    if prompts and number:
        curves_panel(result, number, prompts, frame)
        trajectory_panel(result, number, prompts)


def trajectory_panel(result: Sweep, number: str, prompts: str) -> None:
    """The mean of a number by step, where checkpoints have steps."""
    if all(unit.step is None for unit in result.units):
        return
    code = OPENING.format("sweep_trajectory")
    code += f"\nsweep_trajectory(open_sweep({str(result.folder)!r}), [{number!r}], {prompts!r}).figure()"
    figure_panel("Over the checkpoints", sweep_trajectory(result, [number], prompts), code, key="sweep_trajectory")


def curves_panel(result: Sweep, number: str, prompts: str, frame: Any) -> None:
    """A number that has other axes than layer and head, along one of them, a curve of every checkpoint."""
    places = list(frame.loc[number_names(frame) == number, "place"].unique())
    if not places[0]:
        return
    axes = axes_of_place(places[0])
    left, right = st.columns([1, 3], gap="medium")
    along = left.selectbox("Along", axes, index=len(axes) - 1, key="sweep_along", bind="query-params") or axes[-1]
    others = [along_and_where(place, along)[1] for place in places]
    where = right.selectbox("At", list(dict.fromkeys(others)), key="sweep_at", bind="query-params")
    arguments = f"{number!r}, {prompts!r}, {along!r}, {where!r}"
    code = OPENING.format("checkpoint_curves")
    code += f"\ncheckpoint_curves(open_sweep({str(result.folder)!r}), {arguments}).figure()"
    curves = checkpoint_curves(result, number, prompts, along, where or "")
    figure_panel("A curve of every checkpoint", curves, code, key="sweep_curves")

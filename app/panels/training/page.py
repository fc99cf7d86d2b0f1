"""The Training tab: numbers and losses over the snapshots of runs, one step marked on them, a head at all of them."""

from pathlib import Path

import streamlit as st

from headscope.app.frame.head_chooser import head_chooser
from headscope.app.frame.page import OpenPrompt
from headscope.app.panels.training.numbers import losses_panel, number_panel
from headscope.app.panels.training.snapshots import snapshot_view, snapshots_panel
from headscope.app.panels.training.step import open_step, play_on
from headscope.app.serving.model_source import modality_in
from headscope.app.serving.refusals import refusals_in_place
from headscope.models import zoo
from headscope.models.checkpoints.steps import own_run


def runs_with_snapshots(opened: OpenPrompt) -> dict[str, Path]:
    """The run of the open model first, then the shipped models', where they hold snapshots; by names of their own."""
    own = own_run(Path(opened.key.folder))
    result = {own.name: own} if own else {}
    for folder in map(zoo.folder, zoo.names()):
        if folder != own and zoo.snapshots(folder) and modality_in(folder) is opened.facts.modality:
            result[f"{folder.name} (shipped)" if folder.name in result else folder.name] = folder
    return result


def own_run_named(opened: OpenPrompt, runs: dict[str, Path]) -> str | None:
    """The name of the open model's own run; a sentence where it has none."""
    run = own_run(Path(opened.key.folder))
    own = next((name for name, folder in runs.items() if folder == run), None)
    if own is None:
        st.info(
            "No snapshots lie beside the open model: `headscope train` leaves them in folders such as step-000100, "
            "transformers' Trainer in folders such as checkpoint-100. "
            "Runs of shipped models can be looked at below."
        )
    return own


def training_panels(opened: OpenPrompt) -> None:
    """Draw the choices, the step, the curves with its mark, and a head at all snapshots and at this one."""
    runs = runs_with_snapshots(opened)
    first = own_run_named(opened, runs) or next(iter(runs), None)
    places = st.columns([3, 2, 5, 1.4], gap="medium", vertical_alignment="bottom")
    chosen = places[0].multiselect("Runs", list(runs), default=first, key="runs", bind="query-params")
    shown = {name: runs[name] for name in chosen}
    if not shown:
        st.info("Choose a run.")
        return
    with refusals_in_place("This snapshot cannot be opened"):
        step = open_step(shown, places[1:])
        boxes = st.columns([2, 2, 3], gap="medium", vertical_alignment="bottom")
        left, right = st.columns(2, gap="medium")
        with left, refusals_in_place("This number cannot be followed"):
            number_panel(opened, shown, step.step, boxes)
        with right, refusals_in_place("These losses cannot be drawn"):
            losses_panel(shown, step.step)
        head = head_chooser(step.opened(opened).facts)
        with refusals_in_place("This head cannot be followed"):
            snapshots_panel(opened, step, head)
        snapshot_view(opened, step, head)
        play_on(step)

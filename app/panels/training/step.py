"""The step of a run that is looked into: a slider, and a button that goes from snapshot to snapshot."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from headscope.app.frame.other_models import open_prompt_in_folder
from headscope.app.frame.page import OpenPrompt
from headscope.interp.trajectories.snapshots import run_folder

STEP, NEXT, PLAYING = "step", "next_step", "is_playing"
PAUSE = 0.7  # seconds that a snapshot is shown


@dataclass(frozen=True)
class OpenStep:
    """A run by its name and folder, its snapshots, and the step that is shown."""

    run: str
    folder: Path
    snapshots: dict[int, Path]
    step: int

    @property
    def at(self) -> int:
        """Its place among the snapshots."""
        return list(self.snapshots).index(self.step)

    def opened(self, opened: OpenPrompt) -> OpenPrompt:
        """The open prompt in the model of this step."""
        return open_prompt_in_folder(opened, self.snapshots[self.step])


def open_step(runs: Mapping[str, Path], places: Sequence[DeltaGenerator]) -> OpenStep:
    """Draw the choice of run and of step, and the button, each in its place."""
    place, slider, button = places
    name = place.selectbox("Run to look into", list(runs), key="looked_into", bind="query-params") or next(iter(runs))
    snapshots = run_folder(runs[name]).steps
    if (goal := st.session_state.pop(NEXT, None)) in snapshots:
        st.session_state[STEP] = goal
    with slider:
        step = st.select_slider("Step", list(snapshots), value=list(snapshots)[-1], key=STEP, bind="query-params")
    with button:
        play_button()
    return OpenStep(name, runs[name], snapshots, step)


def play_button() -> None:
    """Play, or stop while it plays."""
    is_playing = bool(st.session_state.get(PLAYING))
    st.button(
        "Stop" if is_playing else "Play",
        icon=":material/stop:" if is_playing else ":material/play_arrow:",
        key="play",
        help="Shows one snapshot after the other.",
        on_click=st.session_state.update,
        args=({PLAYING: not is_playing},),
        width="stretch",
    )


def show_step(step: int) -> None:
    """Show a step from the next run of the page on."""
    st.session_state[NEXT] = step


def play_on(step: OpenStep) -> None:
    """Go to the next snapshot while it plays, from the last one to the first and no further than the last."""
    if not st.session_state.get(PLAYING):
        return
    steps = list(step.snapshots)
    time.sleep(PAUSE)
    goal = steps[(step.at + 1) % len(steps)]
    show_step(goal)
    st.session_state[PLAYING] = goal != steps[-1]
    st.rerun()

"""Panels of the Compare page: a second model on the same prompt, and trajectories over snapshots."""

from functools import partial
from pathlib import Path

import streamlit as st

from app.address import OpenHead
from app.components.head_view import head_view
from app.controls import FROM_FOLDER
from app.figure_panel import figure_panel
from app.head_chooser import head_chooser
from app.model_source import source_folder
from app.page import Opened, analysed, computed
from app.python_code import analysis_code
from app.refusals import refusals_in_a_box
from app.runs import attention_of, opened_model
from interp.attention_run import AttentionRun
from interp.hooked_model import HookedModel
from interp.similar_heads import similar_heads
from interp.trajectories.snapshots import run_folder
from interp.trajectories.trajectory import Trajectory, trajectory
from models import zoo

BY = ("same head", "most alike head")
NUMBERS = (
    "negative_mass.minority_mass",
    "negative_mass.cancellation",
    "deletion.net_copy",
    "decision_plane.dynamic",
    "decision_plane.static",
    "copying.magnitude",
    "prompt_copying.suppression",
    "residual_geometry.mean_cosine",
    "sinks.share",
    "detectors.share",
)


def other_model(opened: Opened) -> Opened:
    """The second model, on the prompt of the first."""
    names = [*zoo.names(), FROM_FOLDER]
    own = [name for name in names if name != FROM_FOLDER and str(zoo.folder(name)) == opened.key.folder]
    others = [name for name in names if name not in own]
    left, right = st.columns([2, 3])
    name = left.selectbox("Second model", others, key="other", bind="query-params")
    typed = right.text_input("Its folder", key="other_folder", bind="query-params") if name == FROM_FOLDER else ""
    with refusals_in_a_box("The second model cannot be opened"):
        key = opened.key.in_folder(source_folder(name or "", typed, FROM_FOLDER))
        with st.spinner("Opening the second model …"):
            service = opened_model(key.folder, key.fingerprint)
        return Opened(key, service, service.tokens(key.prompt, key.bos))


def side_by_side(first: Opened, second: Opened) -> None:
    """The open head in both models, and where all their heads lie."""
    with refusals_in_a_box("These models cannot be compared"):
        runs = [attention_of(one.key) for one in (first, second)]
    by = st.segmented_control("Beside it", BY, default=BY[0], required=True, key="match", bind="query-params")
    head = head_chooser(first.facts)
    with refusals_in_a_box("These heads cannot be compared"):
        heads = [head, partner(runs, head, by or BY[0])]
    for place, (one, run, shown, column) in enumerate(
        zip((first, second), runs, heads, st.columns(2, gap="medium"), strict=True)
    ):
        variant = one.facts.layer_variants[shown.layer]
        with column.container(border=True):
            st.subheader(f"{variant}: layer {shown.layer}, head {shown.head}", anchor=False)
            head_view(run, one.key.name, shown, key=f"compared_{place}")
        with column:
            figure_panel(
                f"Copying or deletion: who decides, {one.facts.variant}",
                analysed(one, ("decision_plane",))["decision_plane"],
                analysis_code(one, "decision_plane"),
                key=f"plane_{place}",
            )


def partner(runs: list[AttentionRun], head: OpenHead, by: str) -> OpenHead:
    """The head of the second run that stands beside a head of the first."""
    layers, heads = runs[1].patterns.shape[:2]
    if by == BY[0]:
        return OpenHead(min(head.layer, layers - 1), min(head.head, heads - 1))
    alike = similar_heads(runs[0].patterns[head.layer, head.head], runs[1].patterns)
    return OpenHead(*divmod(int(alike.value.argmax()), heads))


def trajectory_panel(opened: Opened) -> None:
    """A number over the snapshots of runs, and the open head at one of them."""
    runs = runs_with_snapshots(opened)
    if not runs:
        st.info("No snapshots lie beside this model: `headscope train` leaves them in folders such as step-000100.")
        return
    left, right = st.columns(2)
    number = left.selectbox("Number, mean over heads", NUMBERS, key="measure", bind="query-params") or NUMBERS[0]
    shown = right.multiselect("Runs", list(runs), default=[next(iter(runs))], key="runs")
    if not shown:
        st.info("Choose a run.")
        return
    found = measured(opened, {name: runs[name] for name in shown}, number)
    title = number.replace("_", " ").replace(".", ": ")
    figure_panel(title, found, trajectory_code(opened, runs, shown, number), key="trajectory")
    through_training(opened, next(iter(runs.values())))


def runs_with_snapshots(opened: Opened) -> dict[str, Path]:
    """The open model's own folder first, then the shipped models', where they hold snapshots."""
    folders = [Path(opened.key.folder), *map(zoo.folder, zoo.names())]
    return {folder.name: folder for folder in folders if zoo.snapshots(folder)}


def measured(opened: Opened, runs: dict[str, Path], number: str) -> Trajectory:
    """The trajectory of a number on the open prompt."""
    from interp.trajectories.finding import finding

    def compute(model: HookedModel, watch: object) -> Trajectory:
        return trajectory(runs, finding([opened.key.prompt], number), partial(watch, "snapshots"))  # type: ignore[arg-type]

    return computed(opened, ("trajectory", opened.key.prompt, number, tuple(runs)), compute)


def through_training(opened: Opened, folder: Path) -> None:
    """The open head's attention at a chosen snapshot."""
    steps = run_folder(folder).steps
    with st.container(border=True):
        head = head_chooser(opened.facts)
        step = st.select_slider("Step", list(steps), value=list(steps)[-1], key="step")
        with refusals_in_a_box("This snapshot cannot be opened"):
            key = opened.key.in_folder(steps[step])
            run = attention_of(key)
        st.subheader(f"Step {step:,}: layer {head.layer}, head {head.head}", anchor=False)
        head_view(run, key.name, head, key="snapshot_view")


def trajectory_code(opened: Opened, runs: dict[str, Path], shown: list[str], number: str) -> str:
    """The lines that make the figure again."""
    folders = {name: str(runs[name]) for name in shown}
    return f"""from interp.trajectories.finding import finding
from interp.trajectories.trajectory import trajectory

runs = {folders!r}
trajectory(runs, finding({opened.key.prompt!r}, {number!r})).figure()"""

"""A head through training: small pictures of all snapshots, a click on which shows its step, and that one large."""

from functools import partial

import streamlit as st

from headscope.app.figure.code import bos_code, prompt_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.frame.row_view import row_view
from headscope.app.frame.selected_points import Selection
from headscope.app.panels.pattern import pattern_figure
from headscope.app.panels.training.numbers import given_prompt
from headscope.app.panels.training.step import OpenStep, show_step
from headscope.app.serving.address import OpenHead
from headscope.app.serving.runs import cached_attention_run
from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.figures.trajectories import with_chosen_snapshot
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.trajectories.snapshot_patterns import SnapshotPatterns, snapshot_patterns


def patterns_of_run(opened: OpenPrompt, step: OpenStep) -> SnapshotPatterns:
    """All heads at all snapshots on the open prompt, made once for all sessions."""
    prompt, bos = given_prompt(opened), opened.bos

    def run_of(model: HookedModel) -> AttentionRun:
        return attention_run(model, asked_of(model, prompt, Choices(), bos).prompts[0])

    def compute(model: HookedModel, watch: object) -> SnapshotPatterns:
        return snapshot_patterns(step.folder, run_of, partial(watch, "snapshots"))  # type: ignore[arg-type]

    request = ("snapshot patterns", opened.key.prompt, bos, step.folder, tuple(step.snapshots))
    return shared_result(opened, request, compute)


def snapshots_panel(opened: OpenPrompt, step: OpenStep, head: OpenHead) -> None:
    """Draw the pictures; a click on one shows its step."""
    result = patterns_of_run(opened, step).of_head(head.layer, head.head)
    steps = list(step.snapshots)

    def chosen(selection: Selection) -> None:
        if points := selection.get("points", []):
            show_step(steps[points[0]["point_index"]])

    figure_panel(
        f"L{head.layer}H{head.head} of {step.run} at every snapshot",
        result,
        snapshots_code(opened, step, head),
        key="snapshots",
        figure=with_chosen_snapshot(result, step.at),
        on_select=chosen,
    )


def snapshot_view(opened: OpenPrompt, step: OpenStep, head: OpenHead) -> None:
    """The head at the chosen step, at full size."""
    of_step = step.opened(opened)
    run, mechanism = cached_attention_run(of_step.key), of_step.facts.layer_mechanisms[head.layer]
    with st.container(border=True):
        words = f"{step.run} at step {step.step:,}: L{head.layer}H{head.head} ({mechanism})"
        st.subheader(words, anchor=False)
        row_view(run, of_step.key.name, head, key="snapshot_view")
        pattern_figure(of_step, run, head, key="snapshot_figure")


def snapshots_code(opened: OpenPrompt, step: OpenStep, head: OpenHead) -> str:
    """The lines that make the figure again."""
    need, prompt = prompt_code(opened)
    image = f"from headscope import load\n{need}\nmodel = load({str(step.folder)!r})\n" if need else ""
    bos = bos_code(opened).removeprefix(", prepend_bos=") or "None"
    return f"""from headscope import Choices
from headscope.interp.asking.analyse import asked_of
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.trajectories.snapshot_patterns import snapshot_patterns
{image}
prompt = {prompt}
run_of = lambda model: attention_run(model, asked_of(model, [prompt], Choices(), {bos}).prompts[0])
snapshot_patterns({str(step.folder)!r}, run_of).of_head({head.layer}, {head.head}).figure()"""

"""Interventions: a list of edits of the weights, and the untouched run beside the changed one."""

import json

import streamlit as st

from app.address import OpenHead
from app.components.head_view import head_view
from app.figure_panel import figure_panel
from app.intervention_list import editor, edits_of
from app.page import Opened, computed
from app.python_code import asked_code
from app.refusals import refusals_in_a_box
from interp.attention_run import AttentionRun, attention_run
from interp.figures.interventions import predictions_figure
from interp.hooked_model import HookedModel, tokenizer_of
from interp.interventions.effect import InterventionEffect, intervene
from interp.interventions.intervention import Intervention
from interp.interventions.touched_run import editing_hooks
from interp.prompt_tokens import single_token


def intervention_panel(opened: Opened, run: AttentionRun, head: OpenHead, row: int) -> None:
    """Draw the editor, and what its edits do to the open head and to the predictions."""
    with st.container(border=True):
        if not st.toggle("Change weights and see what follows", key="intervene", bind="query-params"):
            return
        with refusals_in_a_box("These edits cannot be made"):
            editor(opened, head, row)
            edits = edits_of()
        if not edits:
            st.info("Choose a change above: every change is made in a run of its own, beside the untouched one.")
            return
        target, distractor = watched_tokens(opened)
    found = effect_of(opened, edits, target, distractor)
    changed = changed_run(opened, edits)
    metrics(found)
    for title, one, column in zip(("untouched", "changed"), (run, changed), st.columns(2, gap="medium"), strict=True):
        with column.container(border=True):
            st.subheader(f"L{head.layer}H{head.head}, {title}", anchor=False)
            head_view(one, f"{opened.key.name} {title} {edits}", head, key=f"view_{title}")
    code = effect_code(opened, edits, target, distractor)
    before, last = code[: code.rindex("\n") + 1], code[code.rindex("\n") + 1 :]
    left, right = st.columns(2, gap="medium")
    with left:
        figure_panel("Change at every position", found, f"{code}.figure()", key="effect")
    with right:
        figure_panel(
            f"Next tokens after position {row}, before and after",
            found,
            "from interp.figures.interventions import predictions_figure\n"
            f"{before}effect = {last}\npredictions_figure(effect, {row})",
            key="changed_predictions",
            figure=predictions_figure(found, row),
        )


def watched_tokens(opened: Opened) -> tuple[int | None, int | None]:
    """The target and the distractor, typed as tokens; none where nothing is typed."""
    left, right = st.columns(2)
    typed = (
        left.text_input("Target token", key="target", bind="query-params", help="Its change of logit is shown."),
        right.text_input("Distractor token", key="distractor", bind="query-params"),
    )
    facts = opened.facts
    with refusals_in_a_box("This is no token of the model"):
        found = [
            opened.service.kept(
                ("token", text), lambda model, text=text: single_token(text, tokenizer_of(model), facts.vocabulary)
            )
            if text
            else None
            for text in typed
        ]
    return found[0], found[1]


def effect_of(
    opened: Opened, edits: tuple[Intervention, ...], target: int | None, distractor: int | None
) -> InterventionEffect:
    """What the edits change."""

    def compute(model: HookedModel, watch: object) -> InterventionEffect:
        return intervene(model, opened.tokens, edits, target, distractor)

    return computed(opened, ("effect", opened.key.prompt, opened.key.bos, edits, target, distractor), compute)


def changed_run(opened: Opened, edits: tuple[Intervention, ...]) -> AttentionRun:
    """The attention of the run with the edits in it."""

    def compute(model: HookedModel, watch: object) -> AttentionRun:
        return attention_run(model, opened.tokens, edits=editing_hooks(edits))

    return computed(opened, ("changed", opened.key.prompt, opened.key.bos, edits), compute)


def metrics(found: InterventionEffect) -> None:
    """The changes in a few numbers."""
    shown = {
        "Δ loss, mean": float(found.loss_change.nanmean()),
        "KL, mean": float(found.kl.mean()),
        "other likeliest token": f"{int(found.changed.sum())} of {len(found.changed)}",
    }
    for name in ("target", "distractor"):
        if (values := getattr(found, f"{name}_change")) is not None:
            shown[f"Δ logit of the {name}, last position"] = float(values[-1])
    for column, (name, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(name, value if isinstance(value, str) else f"{value:+.4f}")


def effect_code(opened: Opened, edits: tuple[Intervention, ...], target: int | None, distractor: int | None) -> str:
    """The lines that make the effect again."""
    stored = json.dumps([one.to_json() for one in edits])
    return f"""from interp.interventions.effect import intervene
from interp.interventions.intervention import Intervention
{asked_code(opened)}
[tokens] = asked.prompts
edits = [Intervention.from_json(one) for one in {stored}]
intervene(model, tokens, edits, {target}, {distractor})"""

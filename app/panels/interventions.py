"""Interventions: a list of edits of the weights, and what follows from them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from headscope.app.figure.code import asked_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.left_out import no_answer
from headscope.app.frame.page import OpenPrompt
from headscope.app.panels.edit_history import edits_of
from headscope.app.panels.edited_run import INTERVENE, edits_as_literal, effect_of
from headscope.app.panels.intervention_list import editor
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.figures.interventions import predictions_figure
from headscope.interp.interventions.effect import InterventionEffect
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.hooked_model import tokenizer_of
from headscope.interp.reading.prompt_tokens import single_token

TOKEN = "One token as the model writes it, its leading space included: ' self' and 'self' are two."


def intervention_panel(opened: OpenPrompt, head: OpenHead, row: int) -> None:
    """Draw the editor, and what its edits do to the predictions."""
    with st.container(border=True):
        if not st.toggle("Change weights and see what follows", key=INTERVENE, bind="query-params"):
            edits_not_made()
            return
        if why := no_answer(opened):
            st.info(f"What edits change is weighed by what the model answers, which {why}.")
            return
        edits = editor(opened, head, row)
        if not edits:
            st.info("Choose a change above: every change is made in a run of its own, beside the untouched one.")
            return
        with refusals_in_place("These edits cannot be made"):
            target, distractor = watched_tokens(opened)
            result = effect_of(opened, edits, target, distractor)
            at = row if opened.tokens.answers_by_position else 0
            metrics(result, at, opened.words.next_answer)
            effect_panels(opened, result, at, effect_code(opened, edits, target, distractor))


def edits_not_made() -> None:
    """Say that the address holds edits, or what cannot be read as edits, while none are made."""
    with refusals_in_place("The edits in the link cannot be made"):
        if edits := edits_of():
            st.caption(f"The link holds {len(edits)} of them; they are made when this is switched on.")


def watched_tokens(opened: OpenPrompt) -> tuple[int | None, int | None]:
    """The target and the distractor, typed as tokens; none where nothing is typed. Of an image two classes."""
    left, right = st.columns(2)
    if opened.facts.classes:
        return class_box(left, opened, "target"), class_box(right, opened, "distractor")
    typed = (
        left.text_input(
            "Target token", key="target", bind="query-params", help=f"Its change of logit is shown. {TOKEN}"
        ),
        right.text_input("Distractor token", key="distractor", bind="query-params", help=TOKEN),
    )
    target, distractor = (token_id(opened, text) if text else None for text in typed)
    return target, distractor


def class_box(place: DeltaGenerator, opened: OpenPrompt, name: str) -> int | None:
    """A box of the model's classes; none is chosen at first."""
    names = opened.facts.classes
    return place.selectbox(
        f"{name.capitalize()} class",
        range(len(names)),
        index=None,
        key=f"{name}_class",
        bind="query-params",
        format_func=names.__getitem__,
        help="Its change of logit is shown.",
    )


def token_id(opened: OpenPrompt, text: str) -> int:
    """The id of a typed token. ValueError in one sentence where it is none."""
    facts = opened.facts
    if facts.answers is not None:
        return single_token(text, None, facts.answers)
    return opened.service.kept(("token", text), lambda model: single_token(text, tokenizer_of(model), facts.vocabulary))


def metrics(result: InterventionEffect, row: int, answer: str) -> None:
    """The changes in a few numbers."""
    shown = {
        "Δ loss, mean": (float(result.loss_change.nanmean()), "Nats per token; above 0 the model predicts worse."),
        "KL, mean": (
            float(result.kl.mean()),
            "How far the predictions are from the untouched ones, in nats; 0: equal.",
        ),
    }
    for name in ("target", "distractor"):
        if (values := getattr(result, f"{name}_change")) is not None:
            where = f"After position {row}, whose row is chosen." if len(values) > 1 else "Of the model's answer."
            shown[f"Δ logit of the {name}"] = (float(values[row]), where)
    columns = st.columns(len(shown) + 1)
    for column, (name, (value, words)) in zip(columns, shown.items(), strict=False):
        column.metric(name, f"{value:+.4f}" if value == value else "—", help=words)
    others = f"{int(result.changed.sum())} of {len(result.changed)}"
    columns[-1].metric(f"another {answer}", others, help=f"Positions after which another {answer} is the likeliest.")


def effect_panels(opened: OpenPrompt, result: InterventionEffect, row: int, code: str) -> None:
    """What changes at every position, and the next tokens after the chosen one."""
    left, right = st.columns(2, gap="medium")
    with left:
        where = "Change at every position" if len(result.kl) > 1 else "Change of the answer"
        figure_panel(where, result, f"{code}\neffect.figure()", key="effect")
    with right:
        figure_panel(
            f"{answers_title(opened, row)}, before and after",
            result,
            f"""from headscope.interp.figures.interventions import predictions_figure
{code}
predictions_figure(effect, {row})""",
            key="changed_predictions",
            figure=predictions_figure(result, row),
            field="after_ids",
        )


def answers_title(opened: OpenPrompt, row: int) -> str:
    """What the model answers, as a title begins."""
    if opened.facts.classes:
        return "Classes"
    return f"Next tokens after position {row}" if opened.tokens.answers_by_position else "Tokens at the mask"


def effect_code(opened: OpenPrompt, edits: tuple[Intervention, ...], target: int | None, distractor: int | None) -> str:
    """The lines that find the effect again, as `effect`."""
    return f"""from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import Intervention
{asked_code(opened)}
[tokens] = asked.prompts
edits = [Intervention.from_json(one) for one in {edits_as_literal(edits)}]
effect = intervene(model, tokens, edits, {target}, {distractor})"""

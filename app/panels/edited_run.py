"""Edited run: the edits of the address made to the open prompt, and the open head changed beside untouched."""

import json

import streamlit as st

from headscope.app.drawings.drawn_head import HeadStyle, common_peak
from headscope.app.frame.left_out import no_answer
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.frame.row_view import row_view
from headscope.app.frame.standing_out import is_quick
from headscope.app.panels.edit_history import readable_edits, undo
from headscope.app.panels.intervention_list import add_edit
from headscope.app.panels.pattern import pattern_figure
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.heads.edited_attention import edited_attention_run
from headscope.interp.interventions.effect import InterventionEffect, intervene
from headscope.interp.interventions.elsewhere import LossElsewhere, loss_elsewhere
from headscope.interp.interventions.in_words import effect_in_words
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.watch import Progress
from headscope.models.io.fields import Fields

INTERVENE = "intervene"
Edits = tuple[Intervention, ...]
NO_EDITS: Edits = ()


def edit_from_menu(choice: Fields) -> None:
    """Make the edit that was chosen where somebody looked, open its head, and make edits from now on."""
    fields = {name: choice[name] for name in ("kind", "value", "layer", "head", "query", "key") if name in choice}
    add_edit(lambda: Intervention.from_json(fields))
    st.session_state[INTERVENE] = True
    if "head" in fields:
        write_open_head(OpenHead(fields["layer"], fields["head"]))


def edits_made(opened: OpenPrompt) -> Edits:
    """The edits that are made now: those of the address, where it says that they are, and can be read."""
    is_on = st.session_state.get(INTERVENE, st.query_params.get(INTERVENE) == "true")
    is_read_only = bool(opened.facts.reads_mixers or no_answer(opened))
    return readable_edits() if is_on and not is_read_only else NO_EDITS


def open_head_views(opened: OpenPrompt, run: AttentionRun, head: OpenHead, look: HeadStyle) -> int:
    """The open head, and beside it the same with the edits in it, where there are any; returns the chosen row."""
    edits = edits_made(opened)
    changed: AttentionRun | None = None
    if edits:
        with refusals_in_place("These edits cannot be made"):
            changed = changed_run(opened, edits)
            line_of_effect(opened, edits)
    if changed is None:
        on_edit = None if opened.facts.reads_mixers else edit_from_menu
        row = row_view(run, opened.key.name, head, look=look, on_edit=on_edit)
        pattern_figure(opened, run, head, key="pattern")
        return row
    peak = common_peak((item, head) for item in (run, changed))
    hooks = f", edits=editing_hooks([Intervention.from_json(one) for one in {edits_as_literal(edits)}])"
    untouched, beside = st.container(key="side-by-side").columns(2, gap="small")
    with untouched.container():
        st.caption("untouched")
        row = row_view(run, opened.key.name, head, look=look, peak=peak, on_edit=edit_from_menu)
        pattern_figure(opened, run, head, key="pattern")
    with beside.container():
        st.caption("changed")
        row_view(changed, f"{opened.key.name} {edits}", head, key="view_changed", look=look, peak=peak)
        pattern_figure(opened, changed, head, key="changed_figure", edits=hooks)
    return row


def line_of_effect(opened: OpenPrompt, edits: Edits) -> None:
    """What the edits change, in a line, beside the same edits at other heads where that is quick; and the way back."""
    effect = effect_of(opened, edits, None, None)
    elsewhere = null_of_effect(opened, edits) if is_quick(opened) else None
    words = effect_in_words(effect, opened.words.next_answer, elsewhere)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="effect-line"):
        st.text(words, width="content")
        st.button("Undo", icon=":material/undo:", key="undo_here", type="tertiary", on_click=undo)


def effect_of(opened: OpenPrompt, edits: Edits, target: int | None, distractor: int | None) -> InterventionEffect:
    """What the edits change."""

    opened.service.refuse_patterns(opened.tokens, len({edit.layer for edit in edits}))

    def compute(model: HookedModel, watch: object) -> InterventionEffect:
        return intervene(model, opened.tokens, edits, target, distractor)

    return shared_result(opened, ("effect", opened.key.prompt, opened.key.bos, edits, target, distractor), compute)


def null_of_effect(opened: OpenPrompt, edits: Edits) -> LossElsewhere:
    """What the same edits change at other heads."""

    def compute(model: HookedModel, watch: object) -> LossElsewhere:
        return loss_elsewhere(model, opened.tokens, edits)

    return shared_result(opened, ("elsewhere", opened.key.prompt, opened.key.bos, edits), compute)


def changed_run(opened: OpenPrompt, edits: Edits) -> AttentionRun:
    """The attention of the run with the edits in it."""

    def compute(model: HookedModel, watch: Progress) -> AttentionRun:
        return edited_attention_run(model, opened.tokens, edits, watch)

    return shared_result(opened, ("changed", opened.key.prompt, opened.key.bos, edits), compute)


def edits_as_literal(edits: Edits) -> str:
    """Edits as Python and JSON both read them."""
    return json.dumps([edit.to_json() for edit in edits])

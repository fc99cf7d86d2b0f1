"""Sides: the texts that were written beside each other, where they part, and what the open head looks at in each."""

from dataclasses import replace

import streamlit as st

from headscope.app.components.head_view import head_view
from headscope.app.components.new_tokens import Look, new_token_list
from headscope.app.drawings.drawn_head import PLAIN, common_peak
from headscope.app.figure.code import asked_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.prompt_box import write_prompt
from headscope.app.panels.continuing.written import Text, reread, run_of, text_of
from headscope.app.panels.edited_run import edits_as_literal
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.interventions.continuation import parting

CHOSEN = "continued_at"


def show_sides(head: OpenHead, texts: list[Text]) -> None:
    """Where two texts part, and each with the attention of its tokens; the chosen one as the row of a run."""
    runs = [run_of(text) for text in texts]
    differs = parting_line(texts)
    look = Look(peak_of_new_rows(texts, runs, head), differs)
    peak = common_peak((run, head) for run in runs)
    columns = st.container(key="continued-sides").columns(len(texts), gap="medium")
    for column, text, run in zip(columns, texts, runs, strict=True):
        with column.container():
            if len(texts) > 1:
                st.caption(text.side)
            show_side(text, run, head, look, peak)
    st.caption(
        f"Each strip is the row of L{head.layer}H{head.head} at a new token, from the first token to its own; "
        "blue adds, red subtracts. Choose a token to see its row in the text. An edit of a row or a weight "
        "stays at its place; one of a head or a layer is made at every new token too."
    )
    saved_figures(texts)


def peak_of_new_rows(texts: list[Text], runs: list[AttentionRun], head: OpenHead) -> float:
    """The strongest weight of the open head in the rows of new tokens, of all texts."""
    firsts = [len(text.continuation.prompt_ids) for text in texts]
    rows = [
        run.weights(head.layer, head.head, slice(first, len(run.tokens)))
        for run, first in zip(runs, firsts, strict=True)
    ]
    return max(float(weights.abs().max()) for weights in rows)


def parting_line(texts: list[Text]) -> int | None:
    """Say where two texts part; returns the number of the token, None where they do not or there is one text."""
    if len(texts) < 2:
        return None
    both = [text.continuation for text in texts]
    at = parting(*both)
    if at is None:
        st.text(f"With the edits the same {len(both[0].ids)} tokens are written.")
        return None
    names = [repr(result.strings[at]) if at < len(result.ids) else "nothing more" for result in both]
    st.text(f"They part at new token {at + 1}: {names[0]} untouched, {names[1]} changed.")
    return at


def show_side(text: Text, run: AttentionRun, head: OpenHead, look: Look, peak: float) -> None:
    """One text as a list of its new tokens, what makes it the prompt, and the run of the chosen token."""
    name, chosen = text.writing.opened.key.name, None
    if st.session_state.get(CHOSEN, ("",))[0] == name:
        chosen = min(st.session_state[CHOSEN][1], len(run.tokens) - 1)

    def choose(at: int) -> None:
        st.session_state[CHOSEN] = (name, at)

    new_token_list(text.continuation, run, head, look, key=f"{text.side}_tokens", chosen=chosen, on_token=choose)
    whole = text_of(text)
    st.button(
        "Use as prompt", icon=":material/edit_note:", key=f"{text.side}_prompt", on_click=write_prompt, args=(whole,)
    )
    if (again := reread(text, whole)) != text.continuation.whole.ids:
        st.caption(f"As a prompt it is read as {len(again)} other tokens; here they are the {len(run.tokens)} written.")
    if chosen is not None:
        run_name = f"{name} {text.writing.name} {len(run.tokens)}"
        head_view(run, run_name, head, replace(PLAIN, peak=peak), f"{text.side}_view", row=chosen, on_row=choose)


def saved_figures(texts: list[Text]) -> None:
    """A switch, and below it how likely each new token was, as figures to save."""
    if not st.toggle("How likely each new token was", key="continued_figure_open", bind="query-params"):
        return
    for text, column in zip(texts, st.columns(len(texts), gap="medium"), strict=True):
        with column:
            writing = text.writing
            code = f"""from headscope.interp.interventions.continuation import continuation
from headscope.interp.interventions.intervention import Intervention
{asked_code(writing.opened)}
edits = [Intervention.from_json(one) for one in {edits_as_literal(writing.edits)}]
continuation(model, asked.prompts[0], edits, tokens={writing.tokens}).figure()"""
            figure_panel(f"New tokens, {text.side}", text.continuation, code, key=f"{text.side}_likely")

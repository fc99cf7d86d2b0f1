"""Panels of the Deletion page: one row's keys by quadrant, the softmax twin, tokens promoted, a scatter."""

import streamlit as st

from headscope.app.figure.code import analysis_code, asked_code, model_code
from headscope.app.figure.constant import no_sign
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.head_chooser import open_from_points
from headscope.app.frame.page import OpenPrompt, analysed, shared_result
from headscope.app.frame.row_view import chosen_row
from headscope.app.serving.address import OpenHead
from headscope.app.serving.refusals import plain_markdown
from headscope.interp.analysis import Setting
from headscope.interp.circuits.full_circuits import full_ov
from headscope.interp.circuits.rows import OV_OF_TOKENS
from headscope.interp.circuits.top_tokens import TopTokens, ov_top_tokens
from headscope.interp.deletion.attention_contribution import AttentionContribution
from headscope.interp.deletion.in_words import deletion_in_words
from headscope.interp.deletion.of_head import NEEDS, HeadContributions, head_contributions
from headscope.interp.deletion.quadrants import QUADRANTS, Quadrants
from headscope.interp.deletion.rows import OV_TO_LOGITS
from headscope.interp.figures.deletion import attention_contribution_figure
from headscope.interp.figures.head_deletion import row_figure
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.token_strings import token_string


def deletion_of(opened: OpenPrompt, head: OpenHead) -> HeadContributions:
    """The contributions of the open head."""
    weights = opened.service.weights

    def compute(model: HookedModel, watch: object) -> HeadContributions:
        weights.refuse_misread(*OV_TO_LOGITS)
        [run] = gathered_activations(model, [opened.tokens], NEEDS)
        return head_contributions(Setting(opened.facts, lambda: weights), run, head.layer, head.head)

    return shared_result(opened, ("deletion of head", opened.key.prompt, opened.key.bos, head), compute)


def answer_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """Whether the open head copies or deletes, in words, and the same of all heads as a figure."""
    result = analysed(opened, ("deletion",)).of("deletion", Quadrants)
    st.markdown(f"**{plain_markdown(deletion_in_words(result, head.layer, head.head))}**")
    figure_panel(
        "Copying and deletion",
        result,
        analysis_code(opened, "deletion"),
        key="quadrants",
        field="share",
        on_select=open_from_points(opened.facts, curves=len(QUADRANTS)),
    )


def row_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """The keys of the open row, coloured by what the head does to them; the twin beside it."""
    result, at = deletion_of(opened, head), chosen_row(opened.tokens)
    figure_panel(
        f"What L{head.layer}H{head.head} does to the tokens before",
        result,
        f"""{head_code(opened, head)}
row_figure(result, {at})""",
        key="sources",
        figure=row_figure(result, at),
        field="contribution",
    )


def twin_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """All rows of the head, and of its softmax twin: the same scores weighed by softmax."""
    figure_panel(
        f"L{head.layer}H{head.head} and its softmax twin",
        deletion_of(opened, head),
        f"{head_code(opened, head)}\nresult.figure()",
        key="twin",
        field="share",
    )


def head_code(opened: OpenPrompt, head: OpenHead) -> str:
    """The lines that find what a head does again, as `result`."""
    return f"""from headscope.interp.reading.activations import gathered_activations
from headscope.interp.deletion.of_head import NEEDS, head_contributions
from headscope.interp.figures.head_deletion import row_figure
{asked_code(opened)}
[run] = gathered_activations(model, asked.prompts, NEEDS)
result = head_contributions(asked.setting, run, {head.layer}, {head.head})"""


def top_tokens_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """The tokens that the head's OV circuit raises and lowers most when it reads a token of the prompt."""
    ids = text_alone(opened.tokens).ids
    places = list(dict(zip(ids, range(len(ids)), strict=True)).values())
    at = st.selectbox(
        "Token that the head reads",
        places,
        key="read_token",
        bind="query-params",
        format_func=lambda place: f"{opened.tokens.strings[place]!r} at {place}",
    )
    token, weights = ids[at or 0], opened.service.weights

    def compute(model: HookedModel, watch: object) -> TopTokens:
        weights.refuse_misread(*OV_OF_TOKENS)
        tokenizer = tokenizer_of(model)
        circuit = full_ov(weights, head.layer, head.head)
        return ov_top_tokens(circuit, token, name=lambda i: token_string(i, tokenizer))

    figure_panel(
        "Promoted and suppressed tokens",
        shared_result(opened, ("top tokens", head, token), compute),
        f"""from headscope import load
from headscope.interp.circuits import full_ov, ov_top_tokens
from headscope.interp.weights.head_weights import head_weights

circuit = full_ov(head_weights({model_code(opened)}), {head.layer}, {head.head})
ov_top_tokens(circuit, {token}).figure()""",
        key="promoted",
    )


def scatter_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """Attention against contribution of the open head, a point per token."""
    scatter = analysed(opened, ("attention_contribution",)).of("attention_contribution", AttentionContribution)
    figure_panel(
        "Attention against contribution",
        scatter,
        analysis_code(
            opened,
            "attention_contribution",
            figure="from headscope.interp.figures.deletion import attention_contribution_figure\n\n"
            f"attention_contribution_figure(result, ({head.layer}, {head.head}))",
        ),
        key="scatter",
        figure=attention_contribution_figure(scatter, (head.layer, head.head)),
        field="attention",
    )


def mass_panel(opened: OpenPrompt) -> None:
    """How much of every head's attention subtracts."""
    figure_panel(
        "Negative mass",
        analysed(opened, ("negative_mass",))["negative_mass"],
        analysis_code(opened, "negative_mass"),
        key="mass",
        field="minority_mass",
        if_constant=no_sign(opened.facts.layer_variants),
    )

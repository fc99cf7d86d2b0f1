"""Panels of the Attention page: each is a title, its switches, one figure and the sentence that explains it."""

from collections.abc import Sequence

import streamlit as st

from headscope.app.components.circuitsvis import MOST_TOKENS, circuitsvis
from headscope.app.components.edges import attention_edges
from headscope.app.components.head_grid import head_thumbnail_grid
from headscope.app.components.predictions import predictions
from headscope.app.drawings.drawn_edges import MOST_EDGES
from headscope.app.drawings.drawn_edges import MOST_TOKENS as EDGE_TOKENS
from headscope.app.drawings.drawn_grid import Labels
from headscope.app.drawings.drawn_head import DIRECTIONS, HeadStyle
from headscope.app.drawings.head_numbers import HEAD_NUMBERS
from headscope.app.figure.saved_as import page_origin
from headscope.app.frame.left_out import no_answer
from headscope.app.frame.page import OpenPrompt
from headscope.app.panels.edited_run import edit_from_menu, open_head_views
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.interp.asking.head_jobs import NEGATIVE, SINK, HeadJob, chance_marks
from headscope.interp.asking.head_sentences import head_labels
from headscope.interp.heads.attention_run import AttentionRun
from headscope.interp.reading.model_facts import ModelFacts
from headscope.models.hosts.words import Words

SCALES = ["square root", "linear"]
MOST_HEADS = 5
JOBS = {"negative_mass": NEGATIVE, "first_token_mass": SINK}  # of which numbers it is known what chance would give
EFFECTIVE = (
    "Effective pattern: this layer has no attention, but its output is linear in the values all the same. A weight is "
    "what the output at the row takes of the value at the key, ∂o_t/∂v_s, before the layer's gate. Read, not edited."
)
MEANS = (
    "Mean over the rows with at least two visible keys. Thumbnails keep the strongest weight of each block and are "
    "coloured on a square-root scale. A number within two spreads of chance is pale; — does not apply."
)


def heads_panel(opened: OpenPrompt, run: AttentionRun, head: OpenHead, jobs: Sequence[HeadJob]) -> None:
    """All heads as thumbnails with their names, ordered and marked by a statistic; or those of one name."""
    labels = head_labels(jobs)
    fields, facts = list(HEAD_NUMBERS), opened.facts
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        field = st.selectbox(
            "Number under each head",
            fields,
            index=fields.index("entropy" if facts.non_negative else "negative_mass"),
            key="number",
            bind="query-params",
            format_func=lambda name: HEAD_NUMBERS[name].label,
            label_visibility="collapsed",
        )
        is_sorted = st.toggle(
            "Sort", key="sorted", bind="query-params", help=" ".join((HEAD_NUMBERS[field].meaning, MEANS))
        )
        shown_name = name_filter(labels, opened.words)
    head_thumbnail_grid(
        run,
        facts.head_layers,
        number=HEAD_NUMBERS[field],
        order=(is_sorted, shown_name),
        labels=labels,
        marks=chance_marks(jobs, JOBS.get(field, ""), needs_both_signs=field == "negative_mass"),
        shared_range=bool(st.session_state.get("shared")),
        selected=head,
        on_open=write_open_head,
        on_edit=None if facts.reads_mixers else edit_from_menu,
    )


def name_filter(labels: Labels, words: Words) -> str | None:
    """The choice of a name that heads have here; all of them where none is chosen."""
    names = sorted({name for layer in labels for name in layer if name})
    with st.popover("Filter by name", icon=":material/filter_list:", type="tertiary", key="icon_filter"):
        if not names:
            st.caption(f"No head does any of the known jobs beyond chance on this {words.prompt}.")
        return st.pills("Heads named", names, key="named", bind="query-params") if names else None


def head_panel(opened: OpenPrompt, run: AttentionRun, head: OpenHead) -> int:
    """The open head; returns the chosen row."""
    mechanism = opened.facts.layer_mechanisms[head.layer]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.subheader(f"Layer {head.layer}, head {head.head}: {mechanism}", anchor=False, width="stretch")
        look = head_style()
    if opened.facts.reads_mixers:
        st.caption(EFFECTIVE)
    return open_head_views(opened, run, head, look)


def head_style() -> HeadStyle:
    """The switches of the open head."""
    direction = st.segmented_control(
        "Tokens show",
        DIRECTIONS,
        default=DIRECTIONS[0],
        required=True,
        key="direction",
        bind="query-params",
        label_visibility="collapsed",
    )
    with st.popover("Colours", icon=":material/palette:", type="tertiary", key="icon_colours"):
        scale = st.segmented_control(
            "Colour scale", SCALES, default=SCALES[0], required=True, key="scale", bind="query-params"
        )
        shared = st.toggle("Same range for all heads", key="shared", bind="query-params")
        signs = st.toggle("Strike negative weights", key="signs", bind="query-params")
    return HeadStyle(scale or SCALES[0], shared, direction or DIRECTIONS[0], mark_signs=signs)


def predictions_panel(opened: OpenPrompt, run: AttentionRun, row: int) -> None:
    """What the model expects after the chosen row."""
    if why := no_answer(opened):
        st.subheader("No answer", anchor=False)
        st.caption(f"Predictions are left out: this {why}.")
        return
    if not run.tokens.answers_by_position:
        shows = bool(opened.facts.classes)
        st.subheader("Class" if shows else "Token at the mask", anchor=False)
        answer = (
            "takes the image for: its likeliest classes" if shows else "puts in the mask's place: its likeliest tokens"
        )
        st.caption(f"What the model {answer}; softmax of its logits.")
        predictions(run, row)
        return
    words = f"The model's ten likeliest tokens after position {row}, whose row is chosen; softmax of its logits."
    st.subheader(f"Next token after position {row}", anchor=False, help=words)
    predictions(run, row)


def edges_panel(run: AttentionRun, facts: ModelFacts, head: OpenHead, row: int) -> None:
    """The weights of chosen heads as lines between the tokens, of one row or the strongest, drawn when asked for."""
    words = facts.words
    with st.container(border=True):
        if not st.toggle(f"Show attention as edges between the {words.tokens}", key="edges_open", bind="query-params"):
            return
        all_heads = [OpenHead(layer, at) for layer in facts.head_layers for at in range(facts.heads)]
        others = st.multiselect(
            "Heads beside the open one",
            [all_head for all_head in all_heads if all_head != head],
            key="edge_heads",
            bind="query-params",
            format_func=lambda item: f"L{item.layer}H{item.head}",
            max_selections=MOST_HEADS,
        )
        attention_edges(run, [head, *others], row, page_origin("edges"))
        st.caption(
            f"The weights of the chosen row, or the {MOST_EDGES} strongest; queries on the left, keys on the right; "
            f"blue adds, red and dashed subtracts. At most {EDGE_TOKENS} {words.tokens}. Point at {words.a_token} to "
            "see its edges alone."
        )


def circuitsvis_panel(run: AttentionRun, head: OpenHead) -> None:
    """The open head once more in CircuitsVis, drawn when asked for."""
    with st.container(border=True):
        if not st.toggle("Show this head in CircuitsVis", key="circuitsvis_open", bind="query-params"):
            return
        if len(run.tokens) > MOST_TOKENS:
            first, words = len(run.tokens) - MOST_TOKENS, run.tokens.modality.words
            st.caption(
                f"The last {MOST_TOKENS} of {len(run.tokens)} {words.tokens}; the heatmap above shows all. CircuitsVis "
                f"counts from 0: its {words.token} 0 stands at position {first} of the {words.prompt}."
            )
        circuitsvis(run, head)

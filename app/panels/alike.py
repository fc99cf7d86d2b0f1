"""Heads like the open one: by their attention on this prompt, or by any number or detector; each opens on a click."""

import streamlit as st

from headscope.app.figure.head_table import ChosenNumber, chosen_number, number_name_in_words, number_names
from headscope.app.frame.left_out import readable_analyses
from headscope.app.frame.page import OpenPrompt, analysed
from headscope.app.frame.when_asked import Work, done_when_asked
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.app.serving.progress import progress
from headscope.app.serving.runs import alike_of, likeness_of, likeness_request
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.listed_rows import head_analyses, telling_numbers
from headscope.interp.heads.near_heads import near_heads, nearest

BY_ATTENTION, BY_NUMBER = "attention", "a number"
MOST_ALIKE = 6
CELL_SECONDS, PAIR_SECONDS = 5e-9, 4e-11  # of a weight, and of its product with one of another head, on one core


def alike_panel(opened: OpenPrompt, head: OpenHead) -> None:
    """Draw the choice of likeness, and the heads that are most alike as buttons."""
    with st.container(border=True):
        st.subheader("Heads like this one", anchor=False)
        if len(opened.facts.head_layers) * opened.facts.heads == 1:
            st.caption("This model has one head: there is no other that could be like it.")
            return
        by = st.segmented_control(
            "Alike in", (BY_ATTENTION, BY_NUMBER), default=BY_ATTENTION, required=True, key="alike", bind="query-params"
        )
        if by == BY_NUMBER:
            by_number(opened, head)
        else:
            by_attention(opened, head)


def by_attention(opened: OpenPrompt, head: OpenHead) -> None:
    """The heads whose attention on this prompt is most like the open one's."""
    if not likeness_when_asked(opened):
        return
    alike = alike_of(opened.key, head)
    heads = alike.value.shape[1]
    places = alike.value.nan_to_num(-1).flatten().argsort(descending=True).tolist()
    order = [OpenHead(*divmod(at, heads)) for at in places]
    alike_head_buttons({item: f"{float(alike.value[item.layer, item.head]):.2f}" for item in order if item != head})
    mean, spread = (float(of[head.layer, head.head]) for of in (alike.value_null, alike.value_null_spread))
    st.caption(
        f"Cosine of the shares |a|/Σ|a| on this {opened.words.prompt}, signs left out; "
        f"any head to this one: {mean:.2f} ± {spread:.2f}."
    )


def likeness_when_asked(opened: OpenPrompt) -> bool:
    """Whether the heads have been compared: at once where that is quick, else when somebody asks for it."""
    heads = len(opened.facts.head_layers) * opened.facts.heads
    cells = heads * len(opened.tokens) ** 2
    work = Work(likeness_request(opened.key), "Compare all heads", cells * (CELL_SECONDS + heads * PAIR_SECONDS))

    def compute() -> bool:
        with progress() as watch:
            likeness_of(opened.key, watch)
        return True

    return bool(done_when_asked(opened, work, compute))


def by_number(opened: OpenPrompt, head: OpenHead) -> None:
    """The heads whose chosen number is nearest to the open one's."""
    numbers = comparable(analysed(opened, readable_analyses(opened, head_analyses())))
    names = list(numbers)
    first = next((name for name in telling_numbers() if name in names), names[0])
    name = st.selectbox(
        "Number or detector",
        names,
        index=names.index(first),
        key="alike_number",
        bind="query-params",
        format_func=number_name_in_words,
    )
    score = numbers[name or first].score
    own = float(score.value[head.layer, head.head])
    if own != own:
        st.caption(f"L{head.layer}H{head.head} has no such number on this {opened.words.prompt}.")
        return
    distance = near_heads(score, head.layer, head.head)
    order = [OpenHead(*at) for at in nearest(distance, MOST_ALIKE + 1)]
    alike_head_buttons({item: f"{float(score.value[item.layer, item.head]):.3g}" for item in order if item != head})
    null, spread = (field[0, 0] for field in (distance.value_null, distance.value_null_spread) if field is not None)
    st.caption(
        f"L{head.layer}H{head.head} has {own:.3g}; the nearest first. "
        f"Any head is {float(null):.2g} ± {float(spread):.2g} away from it."
    )


def comparable(findings: Findings) -> dict[str, ChosenNumber]:
    """The numbers of every head that no change of gauge changes: a mirrored head is the same head."""
    chosen = {name: chosen_number(findings, *name.split(".", 1)) for name in number_names(findings)}
    return {name: item for name, item in chosen.items() if not item.score.about.gauge_dependent}


def alike_head_buttons(numbers: dict[OpenHead, str]) -> None:
    """The first few heads, each with its number, as buttons that open them."""
    with st.container(horizontal=True, gap="xsmall"):
        for item, number in list(numbers.items())[:MOST_ALIKE]:
            st.button(
                f"L{item.layer}H{item.head} · {number}",
                key=f"alike_{item.layer}_{item.head}",
                on_click=write_open_head,
                args=(item,),
            )

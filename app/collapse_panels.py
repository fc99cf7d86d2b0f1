"""The panel of D(n): a preset, the prompt's own prefixes, or a pair of prompts that the user types."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from app.figure_panel import figure_panel
from app.page import Opened, analysed, computed
from app.python_code import analysis_code, model_code
from app.refusals import refusals_in_a_box
from interp.collapse.curves import CollapseCurves, collapse
from interp.collapse.pairs import CollapsePair, continued, doubling
from interp.hooked_model import HookedModel

OWN = "two prompts of my own"
PRESETS = {
    "how many ones?": "collapse_count_ones",
    "is there a zero?": "collapse_find_a_zero",
    "this prompt, last token twice": "collapse_prompt",
    OWN: "",
}
TITLE = "How far apart two prompts are after every layer"


def curve_panel(opened: Opened) -> None:
    """Draw the choice of prompts and the curve."""
    preset = st.segmented_control(
        "Prompts",
        list(PRESETS),
        default=next(iter(PRESETS)),
        required=True,
        key="preset",
        bind="query-params",
    )
    if preset == OWN:
        own_pair(opened)
        return
    name = PRESETS[preset or next(iter(PRESETS))]
    figure_panel(TITLE, analysed(opened, (name,))[name], analysis_code(opened, name), key="curve")


def own_pair(opened: Opened) -> None:
    """Two boxes, and the distance of what stands in them."""
    left, right = st.columns(2)
    texts = [
        left.text_area("First prompt", "return x", key="first", bind="query-params"),
        right.text_area("Second prompt", "return x x", key="second", bind="query-params"),
    ]
    with refusals_in_a_box("These prompts cannot be read"):
        first, second = (opened.service.tokens(text, opened.key.bos).ids for text in texts)
    pairs = own_pairs(first, second, opened.facts.context)
    if len(pairs) == 1:
        st.caption(
            "Prompts that end in the same token have a curve: both are continued by more and more of that token."
        )

    def compute(model: HookedModel, watch: Callable[[str, int, int], None]) -> CollapseCurves:
        return collapse(model, pairs, watch=partial(watch, "lengths"))

    found = computed(opened, ("pair", first, second), compute)
    figure_panel(TITLE, found, pair_code(opened, first, second), key="pair")


def own_pairs(first: tuple[int, ...], second: tuple[int, ...], context: int) -> list[CollapsePair]:
    """The pair itself and, where both end in the same token, both continued by it up to the context."""
    room = context - max(len(first), len(second))
    if first[-1] != second[-1] or room < 1:
        return [CollapsePair(max(len(first), len(second)), first, second)]
    return continued(first, second, (0, *doubling(1, room)))


def pair_code(opened: Opened, first: Sequence[int], second: Sequence[int]) -> str:
    """The lines that make the figure again, from ids."""
    return f"""from app.collapse_panels import own_pairs
from interp.collapse.curves import collapse
from models import load

model = {model_code(opened)}
pairs = own_pairs({tuple(first)}, {tuple(second)}, model.cfg.n_ctx)
collapse(model, pairs).figure()"""

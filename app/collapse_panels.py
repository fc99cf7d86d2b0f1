"""The panel of D(n): a preset, the prompt's own prefixes, or a pair of prompts that the user types."""

from collections.abc import Sequence

import streamlit as st

from app.figure_panel import figure_panel
from app.page import Opened, analysed, computed
from app.python_code import analysis_code, model_code
from app.refusals import refusals_in_a_box
from interp.collapse.curves import CollapseCurves, collapse
from interp.collapse.pairs import CollapsePair
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
    pair = CollapsePair(len(first), first, second)

    def compute(model: HookedModel, watch: object) -> CollapseCurves:
        return collapse(model, [pair])

    found = computed(opened, ("pair", first, second), compute)
    figure_panel(TITLE, found, pair_code(opened, first, second), key="pair")


def pair_code(opened: Opened, first: Sequence[int], second: Sequence[int]) -> str:
    """The lines that make the figure again, from ids."""
    return f"""from interp.collapse.curves import collapse
from interp.collapse.pairs import CollapsePair
from models import load

pair = CollapsePair({len(first)}, {tuple(first)}, {tuple(second)})
collapse({model_code(opened)}, [pair]).figure()"""

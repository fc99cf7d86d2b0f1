"""The panel of D(n): a preset, the prompt's own prefixes, or a pair of prompts that the user types."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from headscope.app.figure.code import analysis_code, model_code
from headscope.app.figure.panel import figure_panel
from headscope.app.frame.page import OpenPrompt, shared_result
from headscope.app.frame.when_asked import Work, analysis_when_asked, done_when_asked, open_prompt_size, seconds_of_pass
from headscope.app.serving.refusals import plain_markdown
from headscope.interp.analysis import AnalysisRequest, Setting
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.applicable import misfit
from headscope.interp.asking.table import ANALYSES
from headscope.interp.collapse.curves import CollapseCurves, collapse
from headscope.interp.collapse.in_words import collapse_in_words, rounded_in_words
from headscope.interp.collapse.pairs import COUNT_ONES, FIND_A_ZERO, CollapsePair, continued, doubling
from headscope.interp.collapse.probes import growing
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt import text_alone
from headscope.interp.results.result import Result

OWN = "two prompts of my own"
PRESETS = {
    "how many ones?": "collapse_count_ones",
    "is there a zero?": "collapse_find_a_zero",
    "this prompt, last token twice": "collapse_prompt",
    OWN: "",
}
SAID = {
    "collapse_count_ones": f"{COUNT_ONES.strip()} 1 1 1 … against the same with one 1 more.",
    "collapse_find_a_zero": f"{FIND_A_ZERO.strip()} 1 1 1 … against the same with a 0 as its first digit.",
    "collapse_prompt": "The first n tokens of the prompt, against the same with the last of them once more.",
}
TITLE = "How far apart two prompts are after every layer"


def fitting_presets(opened: OpenPrompt) -> dict[str, str]:
    """The presets that this model can be asked."""
    weights = opened.service.weights

    def presets_by_name(model: HookedModel) -> dict[str, str]:
        setting, prompts = Setting(opened.facts, lambda: weights, tokenizer_of(model)), (opened.tokens,)
        request = AnalysisRequest(
            model, setting, prompts, lambda other, names: analyse(other, prompts, names), opened.bos
        )
        return {words: name for words, name in PRESETS.items() if not (name and misfit(ANALYSES[name], request))}

    return opened.service.kept(("presets", opened.bos), presets_by_name)


def curve_panel(opened: OpenPrompt) -> None:
    """Draw the choice of prompts and the curve."""
    presets = fitting_presets(opened)
    first = next(iter(presets))
    chosen = st.segmented_control(
        "Prompts", list(presets), default=first, required=True, key="preset", bind="query-params"
    )
    if chosen == OWN:
        own_pair(opened)
        return
    name = presets[chosen or first]
    st.caption(SAID[name])
    if curves := analysis_when_asked(opened, name, TITLE):
        answered_panel(curves, analysis_code(opened, name), "curve")


def own_pair(opened: OpenPrompt) -> None:
    """Two boxes, and the distance of what stands in them."""
    texts = ("return x", "return x x") if opened.facts.has_tokenizer else ("0 1", "0 1 1")
    left, right = st.columns(2)
    typed = [
        left.text_area("First prompt", texts[0], key="first", bind="query-params"),
        right.text_area("Second prompt", texts[1], key="second", bind="query-params"),
    ]
    first, second = (text_alone(opened.service.tokens(text, opened.key.bos)).ids for text in typed)
    if first == second:
        st.info("The two prompts are the same tokens: they are no distance apart. Change one of them.")
        return
    pairs = own_pairs(first, second, opened.facts.context)
    if len(pairs) == 1:
        st.caption(
            "Prompts that end in the same token have a curve: both are continued by more and more of that token."
        )

    def compute(model: HookedModel, watch: Callable[[str, int, int], None]) -> CollapseCurves:
        return collapse(model, pairs, watch=partial(watch, "lengths"))

    request = ("pair", first, second)
    seconds = seconds_of_pass(opened) * pair_passes(opened, pairs)
    work = Work(request, TITLE, seconds)
    if curves := done_when_asked(opened, work, lambda: shared_result(opened, request, compute)):
        answered_panel(curves, pair_code(opened, first, second), "pair")


def answered_panel(curves: Result, code: str, key: str) -> None:
    """The answer in words above the curve."""
    if isinstance(curves, CollapseCurves):
        st.markdown(f"**{plain_markdown(collapse_in_words(curves))}**")
        st.caption(plain_markdown(rounded_in_words(curves)))
    figure_panel(TITLE, curves, code, key=key)


def pair_passes(opened: OpenPrompt, pairs: Sequence[CollapsePair]) -> float:
    """How many passes over the open prompt the pairs are worth."""
    size = open_prompt_size(opened)
    return growing(size, [len(pair.first) for pair in pairs]) / size.pass_over_prompts()


def own_pairs(first: tuple[int, ...], second: tuple[int, ...], context: int) -> list[CollapsePair]:
    """The pair itself and, where both end in the same token, both continued by it up to the context."""
    room = context - max(len(first), len(second))
    if first[-1] != second[-1] or room < 1:
        return [CollapsePair(max(len(first), len(second)), first, second)]
    return continued(first, second, (0, *doubling(1, room)))


def pair_code(opened: OpenPrompt, first: Sequence[int], second: Sequence[int]) -> str:
    """The lines that make the figure again, from ids."""
    return f"""from headscope import load
from headscope.app.panels.collapse import own_pairs
from headscope.interp.collapse.curves import collapse

model = {model_code(opened)}
pairs = own_pairs({tuple(first)}, {tuple(second)}, model.cfg.n_ctx)
collapse(model, pairs).figure()"""

"""Page: what every page does first: its title, the model and prompt of the sidebar, and analyses with progress."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import streamlit as st

from headscope.app.components.fact_strip import fact_strip
from headscope.app.drawings.shown_place import ShownPlace
from headscope.app.frame.controls import chosen_modality, sidebar_choice
from headscope.app.frame.long_prompt import shorter_ones_offered
from headscope.app.frame.openable import said_anew, ways_to_open
from headscope.app.frame.title_line import SHOWN, title_line
from headscope.app.serving.address import index_from_address, lasting_address_value, open_head, write_lasting
from headscope.app.serving.progress import progress
from headscope.app.serving.refusals import plain_markdown, refusals_in_a_box
from headscope.app.serving.runs import RunKey, opened_model, run_key, service_of
from headscope.app.serving.service import ModelService
from headscope.interp.analysis import Analysis
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.findings import Findings
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.models.hosts.words import Words, filled
from headscope.models.io.device import best_device

Found = TypeVar("Found")
ATTENTION, LAYERS, CHOICE = "attention", "layers_with", "chosen_layers"


@dataclass(frozen=True)
class OpenPrompt:
    """The chosen model, its facts, and the chosen prompt as its tokens."""

    key: RunKey
    service: ModelService[ModelFacts]
    tokens: Prompt

    @property
    def facts(self) -> ModelFacts:
        """The model's facts."""
        return self.service.facts

    @property
    def words(self) -> Words:
        """What sentences call the prompt and its parts."""
        return self.facts.words

    def in_words(self, template: str) -> str:
        """A sentence with the words in the place of their names."""
        return filled(template, self.words)

    @property
    def bos(self) -> bool:
        """Whether the BOS token stands before the prompt."""
        return self.key.bos and self.facts.has_bos


def page(title: str, sentence: str, *, keeps_patterns: bool = True, offers_mixers: bool = False) -> OpenPrompt:
    """Draw the head of a page and open what the sidebar says; ends the page in a box where that cannot be.

    sentence: with names of Words in braces. keeps_patterns: whether its analyses need the patterns of all heads at
    once, which long prompts have no room for. offers_mixers: whether it shows a hybrid's layers without attention too.
    """
    st.session_state.pop(SHOWN, None)
    title_line(title, filled(sentence, chosen_modality().words))
    with refusals_in_a_box("This model cannot be opened"), ways_to_open():
        key = run_key(sidebar_choice())
        with st.spinner("Opening the model …"):
            service = opened_model(key.folder, key.fingerprint, key.given)
    for words in (service.facts.opened_as, service.facts.pictures):
        if words:
            st.caption(words)
    if key.given:
        said_anew(key.given)
    for words in service.facts.not_finite:
        st.warning(plain_markdown(words))
    with refusals_in_a_box(f"This {service.facts.words.prompt} cannot be read"), shorter_ones_offered(service):
        opened = OpenPrompt(key, service, service.tokens(key.prompt, key.bos))
        if offers_mixers:
            opened = layers_chosen(opened)
        if keeps_patterns:
            opened.service.refuse_patterns(opened.tokens)
        else:
            opened.service.refuse_run(opened.tokens)
    st.session_state[SHOWN] = shown_place(opened)
    with st.sidebar:
        fact_strip(opened.facts, len(opened.tokens))
        st.caption(f"Models run on {best_device()} here.")
    return opened


def layers_chosen(opened: OpenPrompt) -> OpenPrompt:
    """The same, or a hybrid's mixers in the place of its heads where they are chosen; other models have no choice."""
    if not (opened.facts.mixed_without_heads and (kinds := mixer_kinds(opened.service))):
        return opened
    chosen = kinds if lasting_address_value(LAYERS) == kinds else ATTENTION
    st.session_state[CHOICE] = chosen
    st.segmented_control("Layers with", (ATTENTION, kinds), required=True, key=CHOICE, on_change=write_layers)
    if chosen == ATTENTION:
        return opened
    key = replace(opened.key, mixers=True)
    return OpenPrompt(key, service_of(key), opened.tokens)


def write_layers() -> None:
    """Put the layers that are chosen into the address."""
    write_lasting(**{LAYERS: st.session_state[CHOICE]})


def mixer_kinds(service: ModelService[ModelFacts]) -> str:
    """What mixes tokens in the layers without attention, as far as it is known, in words."""
    from headscope.interp.effective.mixer_layer import mixer_names

    return service.kept(("mixers",), lambda model: " and ".join(mixer_names(model)))


def shown_place(opened: OpenPrompt) -> ShownPlace:
    """Where the page is, as its address has it."""
    head, last = open_head(opened.facts), opened.tokens.read_out % len(opened.tokens)
    row = index_from_address("row", len(opened.tokens), last)
    return ShownPlace(Path(opened.key.folder).name, f"L{head.layer}H{head.head}", row, opened.key.prompt)


def analysed(opened: OpenPrompt, names: Sequence[str], choices: Choices = Choices()) -> Findings:  # noqa: B008
    """The named analyses of the open prompt, computed once for all sessions."""
    from headscope.interp.asking.analyse import analyse

    opened.service.refuse_patterns(opened.tokens)

    def compute(model: HookedModel, watch: Callable[[str, int, int], None]) -> Findings:
        return analyse(model, [opened.tokens], names, choices=choices, prepend_bos=opened.bos, watch=watch)

    return shared_result(opened, kept_as(opened, names, choices), compute)


def kept_as(opened: OpenPrompt, names: Sequence[str], choices: Choices) -> tuple[object, ...]:
    """What analyses are kept under; those of the weights alone are the same for every prompt."""
    from headscope.interp.asking.table import ANALYSES

    rows = [ANALYSES[name] for name in names]
    of_weights = all(isinstance(row, Analysis) and not row.needs for row in rows)
    return ("analysed", *(() if of_weights else (opened.key.prompt, opened.bos)), tuple(names), choices)


def shared_result(
    opened: OpenPrompt,
    request: tuple[object, ...],
    compute: Callable[[HookedModel, Callable[[str, int, int], None]], Found],
) -> Found:
    """What a function makes of the open model, computed once for all sessions, with a bar that shows how far it is.

    asked: plain values that say what it is. ValueError in one sentence for what cannot be computed.
    """
    with progress() as watch:
        return opened.service.kept(request, lambda model: compute(model, watch))

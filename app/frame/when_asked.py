"""When asked: what takes long is computed once somebody asks for it, by a button that says about how long it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import streamlit as st

from headscope.app.frame.page import OpenPrompt, analysed, kept_as, shared_result
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.costs import duration_in_words, pass_seconds, passes
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.size import Size
from headscope.interp.reading.watch import Progress
from headscope.interp.results.result import Result
from headscope.models.zoo import snapshots

PATIENCE = 6.0  # seconds: what takes longer waits until it is asked for
PENDING = "asked_to_compute"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Work:
    """What may be computed of a model: its key among what is kept, a name of its own, about how many seconds."""

    request: tuple[object, ...]
    name: str
    seconds: float


def done_when_asked(opened: OpenPrompt, work: Work, compute: Callable[[], Value]) -> Value | None:
    """What compute gives, where it is quick, kept from before, or asked for just now; else nothing, and a button."""
    if work.seconds <= PATIENCE or opened.service.has(work.request):
        return compute()
    if st.session_state.get(PENDING) == (opened.key.name, work):
        del st.session_state[PENDING]  # a stop, or any other click, ends it: it does not begin again by itself
        return stoppable_result(work, compute)
    offer(opened, work)
    return None


def stoppable_result(work: Work, compute: Callable[[], Value]) -> Value:
    """What compute gives, with a button that ends it at its next step."""
    place = st.empty()
    place.button(f"Stop: {work.name}", icon=":material/stop_circle:", key=f"stop_{work.name}")
    try:
        return compute()
    finally:
        place.empty()


def offer(opened: OpenPrompt, work: Work) -> None:
    """The button that asks for it."""
    st.button(
        f"{work.name} (about {duration_in_words(work.seconds)})",
        icon=":material/play_arrow:",
        key=f"ask_{work.name}",
        help="This takes long on this machine. Once computed it is kept; it can be stopped.",
        on_click=st.session_state.update,
        args=({PENDING: (opened.key.name, work)},),
    )


def analysis_when_asked(
    opened: OpenPrompt,
    name: str,
    title: str,
    choices: Choices = Choices(),  # noqa: B008
) -> Result | None:
    """The result of an analysis, as done_when_asked."""
    seconds = seconds_of_pass(opened) * passes(ANALYSES[name], open_prompt_size(opened, choices))
    work = Work(kept_as(opened, (name,), choices), title, seconds)
    return done_when_asked(opened, work, lambda: analysed(opened, (name,), choices)[name])


def analysed_when_asked(opened: OpenPrompt, names: Sequence[str], titled: Callable[[str], str]) -> Findings:
    """The quick ones of the analyses together, and each of the others as done_when_asked."""
    size, second = open_prompt_size(opened), seconds_of_pass(opened)
    slow = [name for name in names if second * passes(ANALYSES[name], size) > PATIENCE]
    findings = analysed(opened, tuple(name for name in names if name not in slow))
    if not slow:
        return findings
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        more = {name: analysis_when_asked(opened, name, titled(name)) for name in slow}
    results = {**findings.results, **{name: result for name, result in more.items() if result is not None}}
    return replace(findings, results={name: results[name] for name in names if name in results})


def open_prompt_size(opened: OpenPrompt, choices: Choices = Choices()) -> Size:  # noqa: B008
    """The size of what is asked of the open prompt."""
    return Size(opened.facts, (len(opened.tokens),), len(snapshots(choices.run)) if choices.run else 0)


def seconds_of_pass(opened: OpenPrompt) -> float:
    """The seconds of a pass over the open prompt, the shorter of two: a model's first one is slow."""

    def timed(model: HookedModel, watch: Progress) -> float:
        return min(pass_seconds(model, [opened.tokens]) for _ in range(2))

    return shared_result(opened, ("seconds of a pass", opened.key.prompt, opened.bos), timed)

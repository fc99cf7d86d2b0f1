"""Progress: a sign of work for what takes longer than a moment, and a bar where it says how far it is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

STEP = 0.1  # seconds between two drawings


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function (stage, done, total) that moves the bar; the app's own Stop ends the work at the next step."""
    place = st.empty()
    drawn = 0.0

    def show(stage: str, done: int, total: int) -> None:
        nonlocal drawn
        if time.monotonic() - drawn >= STEP:
            drawn = time.monotonic()
            place.progress(done / max(total, 1), f"{stage.replace('_', ' ')}: {done} of {total}")

    try:
        with place, st.spinner("Computing …", show_time=True):
            yield show
    finally:
        place.empty()

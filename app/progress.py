"""Progress: a bar for work that takes longer than a moment; it goes when the work is done."""

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
        yield show
    finally:
        place.empty()

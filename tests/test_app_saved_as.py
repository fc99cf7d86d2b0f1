"""Saved files: their names and pictures say of which model, head, position, prompt and version they are."""

import re
from importlib.metadata import version
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit as st

from headscope.app.drawings.shown_place import ShownPlace, prompt_mark
from headscope.app.figure.saved_as import origin_words, saved_name, with_origin
from headscope.app.frame.title_line import SHOWN

PLACE = ShownPlace("cog", "L3H0", 40, "def <b>f</b>(x):\n" * 9)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {SHOWN: PLACE})


@pytest.mark.usefixtures("place")
def test_a_name_says_model_head_position_prompt_and_version() -> None:
    name = saved_name("attention_map")
    assert name == f"cog-L3H0-at-40-{prompt_mark(PLACE.prompt)}-attention-map-{version('headscope')}"
    assert re.fullmatch(r"[\w.-]+", name)


@pytest.mark.usefixtures("place")
def test_a_picture_says_the_same_in_words_and_has_room_for_them() -> None:
    figure = go.Figure(
        layout={"title": {"text": "A", "subtitle": {"text": "x = 1"}}, "margin": {"t": 60}, "height": 300}
    )
    drawn: Any = with_origin(figure).layout
    first, last = drawn.title.subtitle.text.split("<br>")
    assert first == "x = 1" and last.startswith("cog · L3H0 · position 40 · ") and "&lt;b&gt;" in last
    assert drawn.margin.t > 60 and drawn.height > 300 and len(last) < 200
    plain: Any = figure.layout
    assert plain.title.subtitle.text == "x = 1"


def test_what_is_of_no_model_says_the_version_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    assert saved_name("E1_loss") == f"E1-loss-{version('headscope')}"
    assert origin_words() == f"headscope {version('headscope')}"

"""The Attention page continues the prompt: with edits and without, to be looked at, and to become the prompt."""

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest
from test_app_pages import page
from tiny_encoders import masked_model, word_tokenizer
from tiny_models import tiny_folder, tiny_tokenizer

from headscope import load, save
from headscope.interp.interventions.continuation import continuation, parting
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.continued_text import continued_text

pytestmark = pytest.mark.usefixtures("no_page_waits")
PROMPT = "The if statement is used"
EDITS = [{"kind": "flip", "layer": 1}, {"kind": "zero", "layer": 0, "head": 1}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")


def asked(folder: Path, **query: str) -> AppTest:
    test = page(folder, PROMPT, continue_open="true", **query)
    test.button(key="continue").click().run()
    assert not test.exception and not test.error, [*test.exception, *test.error]
    return test


def lists_of(test: AppTest) -> list[dict[str, Any]]:
    protos = [element.proto for element in test.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name == "headscope_new_tokens"]


def test_nothing_is_written_before_it_is_asked_for(folder: Path) -> None:
    test = page(folder, PROMPT, continue_open="true", new_tokens="3")
    assert not test.exception and not lists_of(test)


def test_the_text_stands_with_edits_and_without_and_where_they_part_is_said(folder: Path) -> None:
    test = asked(folder, new_tokens="5", intervene="true", edits=json.dumps(EDITS))
    model: Any = load(folder)
    edits = [Intervention.from_json(edit) for edit in EDITS]
    plain, edited = (continuation(model, PROMPT, some, 5) for some in ((), edits))
    shown = lists_of(test)
    assert [[line["token"] for line in one["lines"]] for one in shown] == [[*plain.strings], [*edited.strings]]
    at = parting(plain, edited)
    assert at is not None and [one["differs"] for one in shown] == [at, at]
    assert any(text.value.startswith(f"They part at new token {at + 1}: ") for text in test.text)


def test_each_new_token_has_its_row_of_the_open_head(folder: Path) -> None:
    test = asked(folder, new_tokens="3", layer="1", head="1")
    model: Any = load(folder)
    whole = continuation(model, PROMPT, tokens=3).whole
    _, cache = model.run_with_cache(torch.tensor([whole.ids]))
    [shown] = lists_of(test)
    for line in shown["lines"]:
        row = cache["blocks.1.attn.hook_pattern"][0, 1, line["at"], : line["at"] + 1]
        assert line["cells"] == pytest.approx(row.tolist(), abs=1e-3)
        assert line["key"] == int(row.abs().argmax()) and line["looks"] == whole.strings[line["key"]]


def test_what_was_written_becomes_the_prompt(folder: Path) -> None:
    test = asked(folder, new_tokens="2")
    model: Any = load(folder)
    written = continuation(model, PROMPT, tokens=2)
    test.button(key="untouched_prompt").click().run()
    text = continued_text(PROMPT, written.prompt_ids, written.ids.tolist(), model.plain_tokenizer)
    assert test.text_area(key="prompt").value == text and text.startswith(PROMPT) and len(text) > len(PROMPT)


def test_many_tokens_say_what_they_cost_first(folder: Path) -> None:
    few, many = (page(folder, PROMPT, continue_open="true", new_tokens=count) for count in ("10", "20"))
    said = [[caption.value for caption in test.caption if "passes" in caption.value] for test in (few, many)]
    assert not said[0] and said[1][0].startswith("About 20 passes")


def test_what_does_not_fit_and_what_is_no_continued_text_is_said(folder: Path, tmp_path: Path) -> None:
    test = page(folder, "x " * 28, continue_open="true", new_tokens="60")
    test.button(key="continue").click().run()
    assert "are too many" in test.error[0].value
    encoder = save(masked_model(), tmp_path / "encoder", tokenizer=word_tokenizer())
    said = page(encoder, "the cat", continue_open="true")
    assert any("continues no text: it is an encoder" in info.value for info in said.info)


def test_new_ids_are_spelled_after_the_text_itself() -> None:
    tokenizer = tiny_tokenizer()
    ids = tokenizer.encode("The if statement", add_special_tokens=False)
    assert continued_text("The if", ids[:2], ids[2:], tokenizer) == "The if" + tokenizer.decode(ids[2:])
    assert continued_text("5 9", (5, 9), (2, 7), None) == "5 9 2 7"


def test_what_was_written_before_a_stop_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(model: Any, prompt: Any, edits: Any, tokens: int, watch: Any) -> Any:
        watch(continuation(model, prompt, edits, 2))
        st.stop()

    monkeypatch.setattr("headscope.app.panels.continuing.written.continuation", stopped)
    test = asked(folder, new_tokens="6")
    assert not lists_of(test)
    [shown] = lists_of(test.run())
    assert len(shown["lines"]) == 2
    assert "Stopped after 2 of 6 new tokens." in [caption.value for caption in test.caption]

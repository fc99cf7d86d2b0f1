"""A head across a corpus in the app: read in the background, stopped and gone on with; a passage opens the view."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from test_app_pages import page
from tiny_models import CORPUS, hooked_tiny, tiny_folder

from headscope import load
from headscope.app.components.passages import pieces
from headscope.app.panels.passages import corpora
from headscope.app.panels.passages.panel import corpus_reading
from headscope.app.serving.background.corpus_reading import CorpusReading
from headscope.app.serving.kept.texts import keep_text
from headscope.app.serving.service import ModelService
from headscope.interp.corpus.head_passages import head_passages
from headscope.interp.reading.model_facts import model_facts
from headscope.models.data.document import Document

pytestmark = pytest.mark.usefixtures("no_page_waits")
TEXT = (CORPUS[0] * 3 + CORPUS[1] * 4) * 2


def reading_of(count: int) -> CorpusReading:
    model: Any = hooked_tiny("cog")
    return CorpusReading(ModelService(model, model_facts(model)), lambda: [Document("a", TEXT)], count, bos=False)


def test_a_stopped_reading_keeps_what_was_read_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = reading_of(3)
    monkeypatch.setattr("headscope.app.serving.background.corpus_reading.time.sleep", lambda seconds: reading.stop())
    reading.begin()
    reading.wait()
    assert reading.done == 1 and not reading.is_done and not reading.is_running
    first = reading.extremes().value
    for _ in range(2):
        reading.begin()
        reading.wait()
    whole = reading.extremes().value
    assert reading.is_done and reading.done == 3 and whole[:, :1].equal(first)


def test_what_goes_wrong_in_the_background_is_there_to_be_said() -> None:
    model: Any = hooked_tiny("cog")
    reading = CorpusReading(ModelService(model, model_facts(model)), lambda: [Document("a", "x")], 3, bos=False)
    reading.begin()
    reading.wait()
    assert "no passage of 8 tokens" in str(reading.fault) and not reading.is_done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")


@pytest.fixture
def read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page after a text file was looked through."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    corpus_reading.clear()
    began: list[CorpusReading] = []
    plain = CorpusReading.begin
    monkeypatch.setattr(CorpusReading, "begin", lambda reading: (began.append(reading), plain(reading), reading.wait()))
    query = {"corpus_open": "true", "corpus": corpora.FROM_FILE, "corpus_text": keep_text(TEXT), "passages": "16"}
    test = page(folder, layer="1", head="1", passages_by="copying", **query)
    assert not test.exception and not test.error, [*test.exception, *test.error]
    begin = test.button(key="read_corpus")
    assert begin.label.startswith("Read 16 passages (about ")
    begin.click().run()
    assert began and began[0].is_done
    return test


def test_the_passages_of_the_open_head_are_those_of_python(read: AppTest, folder: Path) -> None:
    assert not read.exception and not read.error, [*read.exception, *read.error]
    lines = shown_lines(read)
    model: Any = load(folder)
    result = head_passages(model, [Document("the file", TEXT)], 1, 1, "copying", count=16, length=128)
    assert [line["value"] for line in lines] == pytest.approx(result.value.tolist(), abs=1e-4)
    assert [line["row"] for line in lines] == result.row.tolist()
    assert lines[0]["where"] == result.wheres[0] and lines[0]["null"].startswith("others ")


def shown_lines(test: AppTest) -> list[dict[str, Any]]:
    protos = [element.proto for element in test.get("bidi_component")]
    return next(json.loads(proto.json) for proto in protos if proto.component_name == "headscope_passages")


def test_a_line_shows_both_places_and_says_what_it_leaves_out() -> None:
    strings = [f"t{at}" for at in range(60)]
    shown = pieces(strings, row=50, key=3)
    assert ("t50", "row") in shown and ("t3", "key") in shown and [kind for _, kind in shown].count("gap") == 2
    assert pieces(["a", "b"], 1, 1) == [("a", ""), ("b", "both")]

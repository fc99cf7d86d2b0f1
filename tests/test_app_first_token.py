"""The switch for BOS and the words about the device: untouched, the app does what `analyse` does with a model."""

from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_app_pages import header, opened, page
from tiny_models import tiny_folder, tiny_model, tiny_tokenizer
from tokenizers.processors import TemplateProcessing

from headscope import load, save
from headscope.app.frame.first_token import usual_bos
from headscope.interp.reading.hooked_model import begins_with_bos
from headscope.models import zoo
from headscope.models.io.device import best_device

END = "<|endoftext|>"


@pytest.fixture(scope="module")
def with_bos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose tokenizer puts BOS before a text, as that of Gemma and Llama does."""
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    return save(tiny_model("cog"), tmp_path_factory.mktemp("bos") / "with_bos", tokenizer)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("plain") / "without", "cog")


def first_token(test: AppTest) -> str:
    assert opened(test)
    return header(test, "headscope_head_view")["tokens"][0]


def test_untouched_the_switch_stands_where_the_tokenizer_puts_bos(with_bos: Path, without: Path) -> None:
    for folder in (with_bos, without):
        test = page(folder)
        assert test.toggle(key="bos").value == begins_with_bos(load(folder), None) == usual_bos(folder)
        assert (first_token(test) == END) == test.toggle(key="bos").value
        assert "bos" not in test.query_params


def test_untouched_it_follows_the_model_and_touched_it_stays(with_bos: Path, without: Path) -> None:
    test = page(without)
    assert first_token(test) != END
    assert first_token(test.text_input(key="folder").set_value(str(with_bos)).run()) == END
    test.toggle(key="bos").set_value(False).run()
    assert first_token(test) != END and "false" in test.query_params["bos"]
    test.text_input(key="folder").set_value(str(without)).run()
    test.text_input(key="folder").set_value(str(with_bos)).run()
    assert first_token(test) != END


@pytest.mark.parametrize("said", ["true", "false"])
def test_a_link_says_where_it_stands(said: str, with_bos: Path, without: Path) -> None:
    for folder in (with_bos, without):
        assert (first_token(page(folder, bos=said)) == END) == (said == "true")


def test_a_link_that_says_neither_is_answered_in_words(with_bos: Path) -> None:
    test = page(with_bos, bos="perhaps")
    assert first_token(test) == END and "perhaps" in test.warning[0].value


def test_a_shipped_models_views_begin_as_they_did() -> None:
    texts = [zoo.folder(name) for name in (*zoo.KNOWN,) if name in zoo.names()]
    assert texts and not any(map(usual_bos, texts))


def test_a_folder_without_a_tokenizer_or_a_model_has_no_first_token(tmp_path: Path) -> None:
    bare = tiny_folder(tmp_path / "bare", "cog", with_tokenizer=False)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tokenizer.json").write_text("{")
    assert not any(map(usual_bos, [bare, tmp_path / "broken", tmp_path / "nowhere", None]))


def test_the_app_says_where_its_models_run(without: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [one.value for one in page(without).sidebar.caption]
    assert f"Models run on {best_device()} here." in said
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert best_device() == "cuda"

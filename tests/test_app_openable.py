"""What keeps a model from being opened and the user can change: facts that a file does not say, a model of the hub."""

from pathlib import Path

import pytest
from foreign_models import HEADS, cog_state
from huggingface_hub import constants
from model_folders import good_folder
from streamlit.testing.v1 import AppTest
from test_app_pages import page
from test_checkpoints_converters import stored
from test_io_hub_names import NAME, stand_in

from headscope.app.frame.openable import TITLE
from headscope.app.serving.given_facts import GIVEN, OF

pytestmark = pytest.mark.usefixtures("no_page_waits")

IDS = "1 2 3"


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """A checkpoint that says neither how many heads it has nor which attention."""
    return stored({"model": cog_state()}, tmp_path, "ckpt.pt")


def plain(markdown: str) -> str:
    return markdown.replace("\\", "")


def captions(test: AppTest) -> str:
    return plain(" ".join(caption.value for caption in test.caption))


def box_of(test: AppTest, name: str) -> object:
    boxes = {box.label.partition(":")[0]: box for box in (*test.text_input, *test.selectbox)}
    return boxes[name]


def answered(test: AppTest, **facts: str) -> AppTest:
    for name, value in facts.items():
        box_of(test, name).set_value(value)  # type: ignore[attr-defined]
    [button] = [button for button in test.button if button.label == "Open with these"]
    return button.click().run()


def test_a_form_asks_for_exactly_the_facts_that_are_missing_and_opens_the_model_with_them(silent: Path) -> None:
    before = [*(known := page("", IDS)).text_input, *known.selectbox]
    test = page(silent, IDS)
    assert not test.error and not test.exception
    assert TITLE in test.info[0].value
    assert box_of(test, "n_heads").placeholder == "a whole number"  # type: ignore[attr-defined]
    assert {"vanilla", "np"} == {*box_of(test, "attention").options}  # type: ignore[attr-defined]
    assert len(test.text_input) + len(test.selectbox) == len(before) + 2
    test = answered(test, n_heads=str(HEADS), attention="np")
    assert not test.exception and not any("cannot be opened" in error.value for error in test.error)
    assert "opened as a checkpoint of Cog attention's authors" in captions(test)
    assert "".join(test.query_params[GIVEN]) == f"n_heads={HEADS};attention=np"
    assert f"n_heads = {HEADS}, attention = np" in captions(test)


def test_a_link_opens_the_model_with_what_was_said_of_it(silent: Path) -> None:
    test = page(silent, IDS, **{GIVEN: f"n_heads={HEADS};attention=np", OF: silent.name})
    assert "opened as a checkpoint of Cog attention's authors" in captions(test)


def test_heads_are_compared_in_a_model_that_needed_facts(silent: Path) -> None:
    test = page(silent, IDS, **{GIVEN: f"n_heads={HEADS};attention=np", OF: silent.name})
    assert not test.exception and not test.error
    assert "Cosine of the shares" in captions(test)


def test_what_was_said_of_another_file_is_not_said_of_this_one(silent: Path) -> None:
    test = page(silent, IDS, **{GIVEN: f"n_heads={HEADS};attention=np", OF: "another.pt"})
    assert TITLE in test.info[0].value


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("n_heads=many;attention=np", "n_heads"),
        ("n_heads=4;attention=warp", "attention"),
        ("colour=red", "colour"),
    ],
)
def test_a_wrong_answer_is_refused_by_name_and_can_be_taken_back(given: str, word: str, silent: Path) -> None:
    test = page(silent, IDS, **{GIVEN: given, OF: silent.name})
    assert not test.exception
    assert word in plain(test.error[0].value)
    [button] = [button for button in test.button if button.label == "Say it anew"]
    assert TITLE in button.click().run().info[0].value


def test_what_says_nothing_in_a_link_is_asked_for(silent: Path) -> None:
    assert TITLE in page(silent, IDS, **{GIVEN: ";;=;", OF: silent.name}).info[0].value


def test_a_model_of_the_hub_is_fetched_by_a_button_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    names = stand_in(monkeypatch, tmp_path / "cache", good_folder(tmp_path / "model"))
    test = page(NAME, "a b")
    assert names == []
    assert "is not on this computer" in test.info[0].value
    assert "config, tokenizer and weights" in test.info[0].value
    [button] = [button for button in test.button if button.label == f"Fetch {NAME} from {constants.ENDPOINT}"]
    test = button.click().run()
    assert names == [NAME]
    assert not test.error and not test.exception and not test.info


def test_a_model_that_cannot_be_fetched_is_said_in_a_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    [button] = [button for button in page(NAME, "a b").button if button.label.startswith("Fetch")]
    test = button.click().run()
    assert "huggingface_hub is offline here" in plain(test.error[0].value)

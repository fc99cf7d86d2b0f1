"""The Attention page of a hybrid shows its layers without attention by their effective patterns, labelled as such."""

from pathlib import Path

import pytest
from model_folders import tokenizer
from streamlit.testing.v1 import AppTest
from test_app_views import figures, made_by

from headscope import save
from headscope.interp.families.trial import tiny_random_model

CHOICE = "Layers with"


def page_of(folder: Path, page: str = "attention", **address: str) -> AppTest:
    test = AppTest.from_file(str(Path(__file__).parents[1] / "app" / "main.py"), default_timeout=60)
    for name, value in {"model": "a folder", "folder": str(folder), "prompt": "abcabc", **address}.items():
        test.query_params[name] = value
    if page != "attention":
        test.switch_page(str(Path(__file__).parents[1] / "app" / "views" / f"{page}.py"))
    return test.run()


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tiny_random_model("qwen3_next"), tmp_path_factory.mktemp("models") / "hybrid", tokenizer())


@pytest.mark.usefixtures("no_page_waits")
def test_its_mixers_are_shown_by_their_effective_patterns(hybrid: Path) -> None:
    test = page_of(hybrid, layers_with="Gated DeltaNet", layer="2", head="1", pattern_open="true", tab_pattern="Code")
    assert (list(test.exception), [item.value for item in test.error]) == ([], [])
    titles = [title.value for title in test.subheader]
    assert "Layer 2, head 1: Gated DeltaNet" in titles
    assert not {"Interventions", "Continuation", "What the score is made of"} & {*titles}
    assert any(caption.value.startswith("Effective pattern: this layer has no attention") for caption in test.caption)
    [code] = [item.value for item in test.code if "head_pattern(" in item.value]
    assert f"mixers(load({str(hybrid)!r}" in code
    assert made_by(code).to_dict()["layout"]["title"]["text"].startswith("Effective pattern of L2H1 (Gated DeltaNet)")


@pytest.mark.usefixtures("no_page_waits")
def test_its_attention_is_what_opens_and_the_choice_stays_in_the_address(hybrid: Path) -> None:
    test = page_of(hybrid)
    assert (list(test.exception), [item.value for item in test.error]) == ([], [])
    assert [choice.label for choice in test.button_group if choice.label == CHOICE] == [CHOICE]
    assert any(title.value.endswith(": gated softmax") for title in test.subheader)
    [choice] = [choice for choice in test.button_group if choice.label == CHOICE]
    choice.set_value("Gated DeltaNet").run()
    assert any(title.value.endswith(": Gated DeltaNet") for title in test.subheader)
    assert "Gated DeltaNet" in test.query_params["layers_with"]


@pytest.mark.usefixtures("no_page_waits")
@pytest.mark.parametrize(("page", "panels"), [("heads", 2), ("analyses", 1)])
def test_numbers_of_every_head_are_there_of_mixers_too(hybrid: Path, page: str, panels: int) -> None:
    test = page_of(hybrid, page, layers_with="Gated DeltaNet", analysis="negative mass")
    assert (list(test.exception), [item.value for item in test.error]) == ([], [])
    assert len(figures(test)) == panels


@pytest.mark.usefixtures("no_page_waits")
def test_what_is_no_question_to_mixers_is_said(hybrid: Path) -> None:
    test = page_of(hybrid, "analyses", layers_with="Gated DeltaNet", analysis="angles")
    assert any("which layers without attention do not have" in item.value for item in test.info)

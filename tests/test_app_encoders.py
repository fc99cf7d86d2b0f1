"""The app on encoders: an example with a mask, its answer, and pages that say what a model without a head has not."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from test_app_vision import ROOT
from tiny_encoders import MASKED, WHOLE, bare_encoder, masked_model, word_tokenizer

from headscope import save

pytestmark = pytest.mark.usefixtures("no_page_waits")
PAGES = {
    "bert": ("attention", "heads", "deletion", "collapse", "geometry", "compare", "analyses"),
    "bare bert": ("deletion", "collapse"),
    "registers": ("attention", "heads"),
    "siglip": ("attention", "geometry"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    return {
        "bert": save(masked_model("bert", "softmax"), place / "bert", word_tokenizer()),
        "bare bert": save(bare_encoder("bert"), place / "bare", word_tokenizer()),
        "registers": save(bare_encoder("dinov2_with_registers"), place / "registers"),
        "siglip": save(bare_encoder("siglip_vision_model"), place / "siglip"),
    }


def view(name: str, folder: Path, **query: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in {"model": "a folder", "folder": str(folder), "more": "true", **query}.items():
        test.query_params[field] = value
    if name != "attention":
        test.switch_page(str(ROOT / "app" / "views" / f"{name}.py"))
    test.run()
    assert not test.exception, [*test.exception]
    return test


def said(test: AppTest) -> str:
    every: list[Any] = [*test.main.caption, *test.main.info, *test.main.subheader, *test.main.error, *test.main.warning]
    return " ".join(one.value for one in every)


def test_the_first_prompt_asks_at_the_mask(folders: dict[str, Path]) -> None:
    test = view("attention", folders["bert"])
    assert test.text_area(key="prompt").value == "The capital of France is [MASK]."
    assert "Token at the mask" in said(test) and "its likeliest tokens; softmax" in said(test)
    assert [one.label for one in test.toggle if one.key == "bos"] == ["The tokenizer's own tokens around it"]


@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in PAGES.items() for name in names])
def test_every_page_opens_on_every_kind(name: str, model: str, folders: dict[str, Path]) -> None:
    query = {"prompt": MASKED} if "bert" in model else {"image": "17"}
    test = view(name, folders[model], **query)
    assert not test.error, [one.value for one in test.error]


def test_a_prompt_without_a_mask_is_told_where_to_put_one(folders: dict[str, Path]) -> None:
    test = view("attention", folders["bert"], prompt=WHOLE, intervene="true")
    assert said(test).count("put [MASK] in the place of a word") == 2


@pytest.mark.parametrize("model", ["bare bert", "registers"])
def test_a_model_without_a_head_says_that_it_answers_nothing(model: str, folders: dict[str, Path]) -> None:
    query = {"prompt": WHOLE} if "bert" in model else {"image": "17"}
    assert "this model has no head that gives any" in said(view("attention", folders[model], **query))

"""Edits in the app: the one that is made is the one that was chosen, however fast; what cannot be made is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from test_app_pages import bytes_of, page
from tiny_models import tiny_folder

from headscope.app.frame.link_notes import normalised_values
from headscope.interp.interventions.intervention import VALUED

pytestmark = pytest.mark.usefixtures("no_page_waits")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")


def editing(folder: Path, **query: str) -> AppTest:
    test = page(folder, intervene="true", layer="1", head="0", **query)
    assert not test.exception, [*test.exception]
    return test


def press(test: AppTest, label: str) -> AppTest:
    next(one for one in test.button if one.label == label).click().run()
    assert not test.exception, [*test.exception]
    return test


def edits(test: AppTest) -> list[dict[str, Any]]:
    text = test.query_params.get("edits", "[]")
    return json.loads(text[-1] if isinstance(text, list) else text)


def texts(test: AppTest) -> list[str]:
    return [one.value for one in test.text]


@pytest.mark.parametrize("kind", ["flip", "scale", "set"])
def test_the_edit_is_the_one_that_was_chosen_while_the_page_was_busy(kind: str, folder: Path) -> None:
    test = editing(folder)
    test.selectbox(key="edit_kind").set_value(kind)
    press(test, "Make this change")
    value = {"scale": {"value": 2.0}, "set": {"value": 0.0}}.get(kind, {})
    assert edits(test) == [{"kind": kind, "layer": 1, "head": 0, **value}]
    assert any(text.startswith("Made: ") and "the whole head L1H0" in text for text in texts(test))


def test_its_place_is_the_one_that_was_chosen_while_the_page_was_busy(folder: Path) -> None:
    test = editing(folder, row="4", edit_kind="flip", edit_scope="one weight")
    test.selectbox(key="edit_key").set_value(3)
    press(test, "Make this change")
    test.segmented_control(key="edit_scope").set_value("row")
    press(test, "Make this change")
    test.segmented_control(key="edit_scope").set_value("layer")
    press(test, "Make this change")
    layer = {"kind": "flip", "layer": 1}
    row = {**layer, "head": 0, "query": 4}
    assert edits(test) == [{**row, "key": 3}, row, layer]
    assert "Made: flip all heads of layer 1." in texts(test)


def test_an_edit_for_another_prompt_is_not_made_and_that_is_said(folder: Path) -> None:
    test = editing(folder)
    test.text_area(key="prompt").set_value("return x")
    press(test, "Make this change")
    assert not edits(test) and "the page had yet to follow" in test.warning[0].value


def test_every_kind_has_a_value_of_its_own(folder: Path) -> None:
    test = editing(folder, edit_kind="set")
    shown = []
    for kind in VALUED[::-1]:
        test.selectbox(key="edit_kind").set_value(kind).run()
        shown.append(test.number_input[0].value)
    assert shown == [0.0, 2.0]


def test_the_table_of_edits_has_words_and_no_empty_cells(folder: Path) -> None:
    test = editing(folder, edits='[{"kind":"flip","layer":1},{"kind":"set","layer":1,"head":0,"query":3,"value":0.5}]')
    [frame] = [one.value for one in test.dataframe if "change" in one.value.columns]
    assert frame["change"].tolist() == ["flip all heads of layer 1", "set row 3 of L1H0 to 0.5"]
    assert frame["head"].tolist() == ["all", "0"] and frame["value"].tolist() == ["", "0.5"]
    assert not frame.isna().any(axis=None)


def test_edits_that_wait_in_a_link_are_said(folder: Path) -> None:
    test = page(folder, edits='[{"kind":"flip","layer":1}]')
    assert any("The link holds 1 of them" in one.value for one in test.caption)
    broken = page(folder, edits="[{")
    assert "no JSON" in broken.error[0].value


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"head": "-3"}, "head = '-3', which there is not here; '0' is shown"),
        ({"layer": "99"}, "layer = '99', which there is not here; '2' is shown"),
        ({"row": "last"}, "row = 'last'"),
        ({"number": "luck"}, "number = 'luck', which there is not here; 'negative_mass' is shown"),
        ({"sorted": "maybe"}, "sorted = 'maybe'"),
        (
            {"edges_open": "true", "edge_heads": "L9H9"},
            "edge_heads = 'L9H9', which there is not here; nothing is shown",
        ),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said(asked: dict[str, str], shown: str, folder: Path) -> None:
    [warning] = page(folder, **asked).warning
    assert shown in warning.value.replace("\\", "")


def test_a_link_that_is_shown_is_left_unsaid(folder: Path) -> None:
    test = page(folder, layer="2", head="1", row="3", number="negative mass", sorted="false", scale="linear")
    assert not test.warning and normalised_values(["negative mass"]) == normalised_values(["negative_mass"])
    test = page(folder, head="-3")
    next(one for one in test.button if str(one.key).startswith("alike_2_1")).click().run()
    assert not test.warning


def test_the_thumbnails_are_the_same_bytes_whichever_head_is_open(folder: Path) -> None:
    first, second = (bytes_of(page(folder, layer="1", head=head), "headscope_head_grid") for head in ("0", "1"))
    assert first == second

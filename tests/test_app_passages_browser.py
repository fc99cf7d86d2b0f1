"""A head across a corpus in a real browser: read while the page goes on, and a passage opens with its row."""

from collections.abc import Callable
from typing import Any

import pytest
from browser import keep, query, settle

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.e2e


def test_a_passage_that_was_read_in_the_background_opens_as_the_prompt_with_its_row(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0", corpus_open="true", passages="16", passages_by="deletion")
    page.locator(".st-key-read_corpus button").first.click()
    page.locator(".passages[data-drawn]").wait_for()
    settle(page)
    keep(page, "passages")
    line = page.locator(".passages li button").nth(1)
    row = line.get_attribute("title").split(": row ")[1].split(",")[0]
    before = query(page)["prompt"]
    line.click()
    page.wait_for_function(f"new URLSearchParams(location.search).get('row') == '{row}'")
    settle(page)
    assert query(page)["prompt"] != before and (query(page)["layer"], query(page)["head"]) == ("1", "0")
    assert page.locator(".tokens .chosen").first.get_attribute("data-at") == row

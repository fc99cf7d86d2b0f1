"""Continued prompts in a real browser: a new token that is clicked is the row of the run over prompt and text."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from browser import keep, settle

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.e2e


def test_a_click_on_a_new_token_shows_its_row_in_both_texts(tab: Callable[..., Any]) -> None:
    edits = json.dumps([{"kind": "flip", "layer": 1}])
    page = tab(layer="1", head="0", continue_open="true", new_tokens="4", intervene="true", edits=edits)
    page.get_by_role("button", name="Continue").click()
    page.locator(".written[data-drawn]").nth(1).wait_for()
    settle(page)
    token = page.locator(".written li button").nth(2)
    place = token.get_attribute("data-at")
    token.click()
    page.locator(".st-key-changed_view .head[data-drawn]").wait_for()
    settle(page)
    chosen = page.locator(".st-key-continued-sides .tokens .chosen")
    assert [each.get_attribute("data-at") for each in chosen.all()] == [place, place]
    assert page.locator(f".written button[data-at='{place}'][aria-pressed=true]").count() == 2
    keep(page, "continued")

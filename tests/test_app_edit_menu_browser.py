"""Edits where one looks, in a real browser: a menu on a thumbnail, a weight and a token, by mouse, keys and touch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import keep, link, query, settle

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e


def edits(page: Any, count: int) -> list[dict[str, Any]]:
    """The edits of the link, once there are so many."""
    page.wait_for_function(f"JSON.parse(new URLSearchParams(location.search).get('edits') ?? '[]').length === {count}")
    settle(page)
    return json.loads(query(page)["edits"])


def test_right_click_on_a_thumbnail_changes_its_head_beside_the_untouched_map(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    page.click(".grid button[data-head='3']", button="right")
    expect(page.get_by_role("menu", name="Change weights")).to_be_visible()
    keep(page, "edit-menu")
    page.get_by_role("menuitem", name="Zero").click()
    assert edits(page, 1) == [{"kind": "zero", "layer": 1, "head": 1}]
    expect(page.locator(".head[data-drawn='layer 1, head 1']")).to_have_count(2)
    first, second = (page.locator(".head .cells").nth(at).bounding_box() for at in (0, 1))
    assert first["y"] == second["y"] and first["width"] == second["width"]
    line = page.locator(".st-key-effect-line")
    expect(line).to_contain_text("at other heads")
    expect(line).to_contain_text("next tokens differ")
    keep(page, "edit-beside")
    line.get_by_role("button", name="Undo").click()
    expect(page.locator(".head[data-drawn='layer 1, head 1']")).to_have_count(1)
    assert query(page)["edits"] == "[]"


def test_keys_reach_the_menu_of_a_head_and_of_its_layer(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    page.focus(".grid button[aria-selected=true]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Zero")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", name="Layer 1")).to_have_attribute("aria-checked", "true")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert edits(page, 1) == [{"kind": "flip", "layer": 1}]


def test_escape_leaves_all_as_it_was(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    page.focus(".grid button[aria-selected=true]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Zero")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu", name="Change weights")).to_have_count(0)
    settle(page)
    assert "edits" not in query(page)
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.dataset.head") == "2"


def test_a_weight_and_a_row_are_changed_from_map_and_tokens(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    box = page.locator(".marks").bounding_box()
    page.mouse.click(box["x"] + 92 + 8, box["y"] + box["height"] - 74 - 8, button="right")
    page.get_by_role("spinbutton", name="Set to").fill("-0.25")
    page.get_by_role("spinbutton", name="Set to").press("Enter")
    [cell] = edits(page, 1)
    assert {*cell} == {"kind", "value", "layer", "head", "query", "key"}
    assert (cell["kind"], cell["value"]) == ("set", -0.25)
    page.locator(".tokens button[data-at='4']").first.click(button="right")
    page.get_by_role("menuitem", name="Keep positive").click()
    assert edits(page, 2)[1] == {"kind": "keep_positive", "layer": 1, "head": 0, "query": 4}


def test_a_long_press_is_a_right_click(browser: Any, url: str, folder: Path) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 900}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(link(url, folder))
    page.wait_for_selector(".head[data-drawn]")
    settle(page)
    page.locator(".grid button[data-head='3']").evaluate(
        """cell => { const box = cell.getBoundingClientRect();
        const touch = new Touch({ identifier: 1, target: cell, clientX: box.x + 5, clientY: box.y + 5 });
        cell.dispatchEvent(new TouchEvent("touchstart", { touches: [touch], bubbles: true, composed: true })); }"""
    )
    expect(page.get_by_role("menu", name="Change weights")).to_be_visible()
    context.close()

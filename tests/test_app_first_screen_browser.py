"""The first screen in a real browser: what one came for stands there without scrolling, at every size of a window."""

from collections.abc import Callable
from typing import Any

import pytest
from browser import keep, settle

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e

LANDING = {
    "prompt": ".stSidebar textarea",
    "model": ".stSidebar [data-testid=stSelectbox]",
    "grid": ".grid",
    "open head": ".head .cells",
    "tokens": ".head .tokens",
    "next tokens": ".predictions",
}


def overhang(page: Any, selector: str) -> float:
    """Pixels of an element that stand outside of the window, or under the bar of pages."""
    return page.locator(selector).first.evaluate(
        """element => { const box = element.getBoundingClientRect();
        const bar = document.querySelector("[data-testid=stHeader]").getBoundingClientRect().bottom;
        const top = element.closest(".stSidebar") ? 0 : bar;
        return Math.max(0, top - box.top, box.bottom - innerHeight, -box.left, box.right - innerWidth); }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("model", ["cog", "softmax"])
def test_all_that_is_needed_stands_on_the_first_screen(
    model: str, scheme: str, tab: Callable[..., Any], url: str
) -> None:
    page = tab(f"{url}/?model={model}", scheme)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_selector(".st-key-standing-out button")
    page.wait_for_timeout(500)
    assert {name: overhang(page, selector) for name, selector in LANDING.items()} == dict.fromkeys(LANDING, 0)
    keep(page, f"first-screen-{model}-{scheme}")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (720, 450)], ids=["1024x768", "at 200 %"])
def test_a_click_on_a_head_shows_its_map(width: int, height: int, tab: Callable[..., Any], url: str) -> None:
    page = tab(f"{url}/?model=cog")
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(500)
    for head in (5, 22):
        page.click(f".grid button[data-head='{head}']")
        page.wait_for_selector(f".head[data-drawn='layer {head // 4}, head {head % 4}']")
        settle(page)
        page.wait_for_timeout(300)
        assert overhang(page, ".head .cells") == 0
        assert overhang(page, f".grid button[data-head='{head}']") == 0
    for key, head in (("ArrowUp", 18), ("ArrowLeft", 17)):
        page.keyboard.press(key)
        page.wait_for_selector(f".head[data-drawn='layer {head // 4}, head {head % 4}']")
        settle(page)
        page.wait_for_timeout(300)
        assert overhang(page, ".head .cells") == 0
        assert overhang(page, f".grid button[data-head='{head}']:focus") == 0
    keep(page, f"first-screen-{width}")


def test_a_page_without_a_prompt_is_left_by_its_links_on_a_small_screen_too(tab: Callable[..., Any], url: str) -> None:
    page = tab(f"{url}/experiments", wait=".js-plotly-plot .main-svg")
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    page.set_viewport_size({"width": 720, "height": 450})
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_label("Text", exact=True)).to_be_hidden()
    keep(page, "experiments-720")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Heads").click()
    expect(page.get_by_role("heading", name="Table of heads")).to_be_visible()


def test_a_figure_s_tabs_stand_beside_its_title_and_its_tools_wait(tab: Callable[..., Any], url: str) -> None:
    page = tab(f"{url}/deletion?model=cog&more=true", wait=".js-plotly-plot .main-svg")
    panel = page.locator(".st-key-panel_mass")
    title, tabs = panel.get_by_role("heading").first.bounding_box(), panel.get_by_role("tablist").bounding_box()
    assert title["y"] < tabs["y"] + tabs["height"] and tabs["y"] < title["y"] + title["height"]
    bar = panel.locator(".modebar-container .modebar-group").first
    page.mouse.move(5, 5)
    expect(bar).to_have_css("opacity", "0")
    panel.locator(".js-plotly-plot").hover()
    expect(bar).to_have_css("opacity", "1")
    assert panel.get_by_role("button", name="Save").bounding_box()["width"] < 60


def test_a_sentence_opens_its_head_and_a_name_filters_the_grid(tab: Callable[..., Any], url: str) -> None:
    page = tab(f"{url}/?model=softmax&layer=0&head=0")
    page.get_by_role("button", name="looks at the previous token").click()
    page.wait_for_selector(".head:not([data-drawn='layer 0, head 0'])")
    settle(page)
    expect(page.locator(".grid button[aria-selected=true] em")).to_have_text("prev")
    page.get_by_role("button", name="Filter by name").click()
    page.locator(".st-key-named").get_by_text("prev", exact=True).click()
    expect(page.locator(".grid button").first.locator("span")).to_contain_text("L")
    names = page.locator(".grid button em").all_inner_texts()
    assert names and {*names} == {"prev"}

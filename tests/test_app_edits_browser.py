"""A page that is busy, in a real browser: what was chosen while it was is what the button does."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_server import ROOT, app_server
from browser import keep, link, query, settle

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.e2e

# The app, each run of which takes a second and a half in a place where nothing can interrupt it.
SLOW = f"""
import runpy, sys, time
sys.path.insert(0, {str(ROOT)!r})
from headscope.app.panels import attention as panels
if not hasattr(panels, "quick_panel"):
    panels.quick_panel = panels.heads_panel
    panels.heads_panel = lambda *given: (time.sleep(1.5), panels.quick_panel(*given))
runpy.run_path({str(ROOT / "app" / "main.py")!r}, run_name="__main__")
"""


@pytest.fixture
def slow_page(tmp_path_factory: pytest.TempPathFactory, contexts: dict[str, Any], folder: Path) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("slow")
    script = home / "slow_app.py"
    script.write_text(SLOW, encoding="utf-8")
    with app_server(home, script) as url:
        page = contexts["light"].new_page()
        page.set_default_timeout(60_000)
        page.goto(link(url, folder, intervene="true", layer="1", head="0", row="5"))
        page.wait_for_selector(".head[data-drawn]")
        settle(page)
        yield page
        page.close()


def edits(page: Any) -> list[dict[str, Any]]:
    return json.loads(query(page).get("edits", "[]"))


def test_the_edit_that_is_made_is_the_one_that_was_chosen_last(slow_page: Any) -> None:
    page = slow_page
    make = page.get_by_role("button", name="Make this change")
    flip = page.get_by_role("option", name="flip")
    for _ in range(5):  # a run that ends now closes the list
        page.get_by_label("What to do").click()
        page.wait_for_timeout(500)
        if flip.count():
            break
    flip.click()
    make.click()  # the run that the choice asked for is still asleep
    page.wait_for_function("location.search.includes('edits=')")
    assert edits(page) == [{"kind": "flip", "layer": 1, "head": 0}]
    page.get_by_text("Made: flip the whole head L1H0.").wait_for()
    settle(page)
    page.click(".grid button[data-head='5']")
    page.wait_for_timeout(300)
    page.get_by_role("radio", name="a row").click()
    page.click(".tokens button[data-at='7']")
    make.click()
    page.get_by_text("Made: flip row 7 of L2H1.").wait_for()
    assert edits(page)[1] == {"kind": "flip", "layer": 2, "head": 1, "query": 7}
    settle(page)
    assert query(page)["layer"] == "2" and query(page)["row"] == "7"
    keep(page, "edits-in-words")


def test_a_head_is_opened_again_after_another_button_opened_one(tab: Callable[..., Any]) -> None:
    page = tab(layer="0", head="0")
    for _ in range(2):
        page.click(".grid button[data-head='5']")
        page.wait_for_selector(".head[data-drawn='layer 2, head 1']")
        settle(page)
        page.locator("[class*=st-key-alike_] button").first.click()
        page.wait_for_selector(".head:not([data-drawn='layer 2, head 1'])")
        settle(page)

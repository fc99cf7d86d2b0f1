"""Patches in a real browser: crops beside the heatmap, the image under the colours of a row, a row by a click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import keep, query, settle
from tiny_vits import TOKENS, tiny_vit

from headscope import save

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tiny_vit("cog"), tmp_path_factory.mktemp("models") / "vit")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_attention_lies_over_the_image(scheme: str, tab: Callable[..., Any], url: str, vit: Path) -> None:
    page = tab(f"{url}/?{urlencode({'model': 'a folder', 'folder': str(vit), 'image': '17'})}", scheme)
    patches = page.locator(".tokens.patches button")
    expect(patches).to_have_count(TOKENS)
    expect(patches.first).to_have_class("before chosen")  # CLS, which is no patch
    drawn = patches.nth(5).evaluate("patch => patch.style.backgroundImage")
    assert "url(" in drawn and "gradient(" in drawn
    assert page.locator(".patches .negative").count() > 0
    keep(page, f"vision-{scheme}")


def test_a_click_on_a_patch_opens_its_row(tab: Callable[..., Any], url: str, vit: Path) -> None:
    page = tab(f"{url}/?{urlencode({'model': 'a folder', 'folder': str(vit), 'image': '3'})}")
    page.locator(".tokens.patches button").nth(7).click()
    expect(page.locator(".question")).to_contain_text("r1c2")
    settle(page)
    assert query(page)["row"] == "7" and query(page)["image"] == "3"
    page.locator(".tokens.patches button").nth(7).press("ArrowDown")
    expect(page.locator(".question")).to_contain_text("r2c2")

"""Parts of a page in a real browser: pictures, narrow windows, and the focus."""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import keep, settle
from tiny_models import CORPUS

from headscope.interp.heads.attention_run import AttentionRun

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e


@pytest.fixture
def edges(tab: Callable[..., Any]) -> Any:
    """The edges of two heads."""
    page = tab(edges_open="true", layer="1", head="0")
    page.get_by_label("Heads beside the open one").click()
    page.keyboard.type("L2H1")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_selector(".edges[data-drawn='L1H0 L2H1']")
    settle(page)
    return page


def downloaded(page: Any, act: Callable[[], Any]) -> tuple[str, bytes]:
    with page.expect_download() as saved:
        act()
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()


def focused(page: Any, of: str) -> Any:
    """What `of`, a function of the focused element, says."""
    return page.evaluate(
        f"""() => {{ let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return ({of})(at); }}"""
    )


OUT_OF_ITS_BOX = """() => { const found = [];
    const walk = (node, right) => { for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) {
        const box = child.getBoundingClientRect(), style = getComputedStyle(child);
        const bordered = child.matches('[data-testid=stVerticalBlock]') && style.borderTopWidth === '1px';
        const edge = bordered ? box.right : right;
        if (edge && box.width && box.right > edge + 2 && !child.closest('.js-plotly-plot, .stTabs, .stDataFrame'))
            found.push(`${child.tagName} ${child.className} ${Math.round(box.right - edge)}`);
        if (!['auto', 'scroll', 'hidden'].includes(style.overflowX)) walk(child, edge); } };
    walk(document.querySelector('[data-testid=stMain]'), 0);
    return found; }"""

PANELS = ".stColumn:has(> .stVerticalBlock > [data-testid=stLayoutWrapper] > .stVerticalBlock)"


@pytest.mark.parametrize("shown", ["Figure", "Table", "Code"])
def test_a_picture_is_the_figure_with_its_title_whatever_is_shown(
    shown: str, tab: Callable[..., Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0], "more": "true"}
    page = tab(f"{url}/deletion?{urlencode(said)}", "dark", ".js-plotly-plot .main-svg")
    panel = page.locator(".st-key-panel_mass")
    if shown != "Figure":
        panel.get_by_role("tab", name=shown).click()
        settle(page)
        expect(panel.locator(".js-plotly-plot")).to_have_count(0)
    panel.get_by_role("button", name="Save").click()
    name, svg = downloaded(page, page.get_by_role("button", name="SVG", exact=True).click)
    text = svg.decode()
    assert name.startswith("cog-L1H0-at-") and text.startswith("<svg") and 'width="900"' in text
    assert "position" in text and "headscope 0" in text
    assert "Negative mass" in text and "updatemenu" not in text and "rgb(255, 255, 255)" in text
    keep(page, "picture-buttons")
    name, png = downloaded(page, page.get_by_role("button", name="PNG", exact=True).click)
    assert name.endswith(".png") and struct.unpack(">I", png[16:20])[0] == 1800
    expect(page.get_by_role("button", name="PNG", exact=True)).not_to_have_attribute("aria-busy", "true")


def test_plotly_comes_once_and_only_when_a_picture_is_asked_for(
    contexts: dict[str, Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0], "more": "true"}
    received: list[int] = []
    page = contexts["light"].new_page()
    page.set_default_timeout(60_000)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    page.goto(f"{url}/deletion?{urlencode(said)}")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    settle(page)
    assert max(received) < 2_000_000
    for key in ("mass", "scatter"):
        page.locator(f".st-key-panel_{key}").get_by_role("button", name="Save").click()
        downloaded(page, page.get_by_role("button", name="SVG", exact=True).click)
        page.keyboard.press("Escape")
        settle(page)
    page.close()
    assert sum(size > 2_000_000 for size in received) == 1


@pytest.mark.parametrize("name", ["", "deletion", "compare"])
def test_nothing_runs_out_of_its_box_in_a_narrow_window(
    name: str, tab: Callable[..., Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0], "more": "true", "other": "a folder"}
    wait = ".js-plotly-plot .main-svg" if name else ".head[data-drawn]"
    page = tab(f"{url}/{name}?{urlencode({**said, 'other_folder': str(folder)})}", "light", wait)
    for width in (900, 1100, 1280, 1500):
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_timeout(800)
        main = page.get_by_test_id("stMain").evaluate("main => [main.scrollWidth, main.clientWidth]")
        assert main[0] <= main[1], width
        assert page.evaluate(OUT_OF_ITS_BOX) == [], width
        first, second = (page.locator(PANELS).nth(at).bounding_box() for at in (0, 1))
        assert (second["y"] > first["y"]) == (width < 1200 and name != ""), width


def test_a_head_without_room_for_its_number_still_says_it(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(number="entropy")
    grid = page.locator(".grid")
    grid.evaluate("grid => { grid.style.width = '60px'; }")
    expect(grid).to_have_class(re.compile("dense"))
    cell = page.locator(".grid button[data-head='3']")
    expect(cell.locator("span")).to_be_hidden()
    said = f"{float(run.heads.entropy[1, 1]):.3f}"
    assert said in (cell.get_attribute("aria-label") or "") and said in (cell.get_attribute("title") or "")
    grid.evaluate("grid => { grid.style.width = ''; }")
    expect(cell.locator("span")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_is_seen_in_every_part(scheme: str, tab: Callable[..., Any]) -> None:
    page = tab(scheme=scheme, edges_open="true", pattern_open="true", layer="1", head="0")
    page.wait_for_selector(".edges[data-drawn]")
    page.locator(".st-key-panel_pattern").get_by_role("button", name="Save").click()
    for name, selector in {
        "pictures": ".pictures button >> nth=0",
        "grid": ".grid button[aria-selected=true]",
        "heatmap": ".marks",
        "tokens": ".tokens button[tabindex='0']",
        "edges": ".edges svg [tabindex='0']",
        "save": ".edges .saves button >> nth=0",
    }.items():
        page.locator(selector).focus()
        page.keyboard.press("Shift")  # the keyboard is used: the ring is shown
        ring = focused(
            page,
            """at => {
                const style = getComputedStyle(at.closest(".stage") ?? at);
                return [style.outlineStyle, parseFloat(style.outlineWidth), style.outlineColor];
            }""",
        )
        assert ring[0] == "solid" and ring[1] >= 2, (name, ring)
        paper = [15, 17, 23] if scheme == "dark" else [255, 255, 255]
        ink = list(map(int, re.findall(r"\d+", ring[2])[:3]))
        assert sum(abs(a - b) for a, b in zip(ink, paper, strict=True)) > 200, (name, ring)
        keep(page, f"focus-{name}-{scheme}")

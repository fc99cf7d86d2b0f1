"""Heatmaps in a real browser: keys, colours, strokes, dark pages, and views in step."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from app_server import ROOT, answers, free_port
from browser import ARTIFACTS, keep, settle
from tiny_models import CORPUS

from headscope.interp.heads.attention_run import AttentionRun

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e

NO_SERVER = "() => { window.sent = 0; WebSocket.prototype.send = () => { window.sent += 1; }; }"

# Two views of one head on a page that keeps their row, one of them with a wide colour range and marked signs.
PAGE = """
import streamlit as st
from headscope.app.serving.address import OpenHead
from headscope.app.components.head_view import head_view
from headscope.app.drawings.drawn_head import PLAIN, HeadStyle, common_peak
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope import load

@st.cache_resource
def run(folder, prompt):
    model = load(folder)
    asked = prompt_tokens(prompt, model.plain_tokenizer, prepend_bos=False, vocabulary=300, context=1024)
    return attention_run(model, asked)

st.set_page_config(layout="wide", page_icon=st.query_params["icon"])
shown = run(st.query_params["folder"], st.query_params["prompt"])
wide = HeadStyle("linear", False, "attends to", peak=common_peak([(shown, OpenHead(1, 0)), (shown, OpenHead(0, 1))]))
marked = HeadStyle("square root", False, "attends to", peak=0.1, mark_signs=True)
write = lambda row: st.session_state.update(row=row)
row = st.session_state.get("row")
for column, (name, look) in zip(st.columns(3), {"plain": PLAIN, "wide": wide, "marked": marked}.items()):
    with column:
        got = head_view(shown, "run", OpenHead(1, 0), look, f"view_{name}", row=row, on_row=write)
        st.text(f"{name} {got}")
"""


@contextmanager
def serving(script: Path) -> Iterator[str]:
    """The address of a server of one page."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    said = ("address=127.0.0.1", "headless=true", "fileWatcherType=none")
    options = [*(f"--server.{one}" for one in said), "--browser.gatherUsageStats=false"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", *options]
    server = subprocess.Popen(command, cwd=script.parent, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        end = time.monotonic() + 60
        while not answers(url):
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def three_views(tmp_path_factory: pytest.TempPathFactory, contexts: dict[str, Any], folder: Path) -> Iterator[Any]:
    """A page with three views of one head, which keep their row in step."""
    script = tmp_path_factory.mktemp("page") / "three_views.py"
    script.write_text(PAGE, encoding="utf-8")
    icon = str(ROOT / "app" / "static" / "icon.png")
    with serving(script) as url:
        page = contexts["light"].new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{url}/?{urlencode({'folder': str(folder), 'prompt': CORPUS[0], 'icon': icon})}")
        for name in ("plain", "wide", "marked"):
            page.wait_for_selector(f".st-key-view_{name} .head[data-drawn]")
        settle(page)
        yield page
        page.close()


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


def shown_window(page: Any, view: str = "") -> dict[str, int]:
    data = page.locator(f"{view} .head").evaluate("head => ({ ...head.dataset })")
    return {name: int(data[name]) for name in ("top", "left", "size")}


def test_keys_zoom_at_the_chosen_row_and_move_the_window(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(layer="1", head="0")
    count = len(run.tokens.ids)
    page.click(".tokens button[data-at='20']")
    settle(page)
    page.focus(".marks")
    page.keyboard.press("+")
    page.keyboard.press("+")
    at = shown_window(page)
    key = int(run.patterns[1, 0, 20].abs().argmax())
    assert at["size"] == round(round(count / 2) / 2)
    assert at["top"] <= 20 < at["top"] + at["size"] and at["left"] <= key < at["left"] + at["size"]
    keep(page, "heatmap-zoomed")
    page.keyboard.press("Shift+ArrowDown")
    assert shown_window(page) == {**at, "top": min(at["top"] + round(at["size"] / 4), count - at["size"])}
    for _ in range(at["size"]):
        page.keyboard.press("ArrowUp")
    row = 20 - at["size"]
    assert shown_window(page)["top"] <= row or row < 0
    page.keyboard.press("-")
    assert shown_window(page)["size"] == 2 * at["size"]
    page.keyboard.press("Escape")
    assert shown_window(page) == {"top": 0, "left": 0, "size": count}
    expect(page.locator("figcaption")).to_contain_text("+ and − zoom")


@pytest.mark.parametrize(("first", "second"), [("light", "dark"), ("dark", "light")])
def test_when_the_system_turns_dark_the_drawings_turn_without_the_server(
    first: str, second: str, tab: Callable[..., Any]
) -> None:
    page = tab(scheme=first, edges_open="true", layer="1", head="0")
    page.wait_for_selector(".edges[data-drawn]")
    masked = {"light": [229, 231, 237], "dark": [38, 42, 54]}
    corner = """canvas => [...canvas.getContext("2d").getImageData(canvas.width - %d, %d, 1, 1).data].slice(0, 3)"""

    def drawn() -> list[Any]:
        return [
            page.locator(".cells").evaluate(corner % (70, 12)),
            page.locator(".grid canvas").first.evaluate(corner % (1, 0)),
            page.locator(".edges line").last.get_attribute("stroke"),
        ]

    before = drawn()
    assert before[:2] == [masked[first], masked[first]]
    page.evaluate(NO_SERVER)
    page.emulate_media(color_scheme=second)
    page.wait_for_timeout(500)
    after = drawn()
    page.emulate_media(color_scheme=first)
    assert after[:2] == [masked[second], masked[second]] and after[2] != before[2]


def test_the_widest_label_of_the_colour_bar_fits(three_views: Any) -> None:
    page = three_views
    ink = page.locator(".st-key-view_marked .bar").evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let last = 0;
            for (let i = 3; i < data.length; i += 4) if (data[i]) last = Math.max(last, ((i - 3) / 4) % canvas.width);
            const right = (element) => element.getBoundingClientRect().right;
            return [last, canvas.width, right(canvas), right(canvas.closest(".stage"))];
        }"""
    )
    assert 48 < ink[0] < ink[1] - 1 and ink[2] <= ink[3] + 1
    page.locator(".st-key-view_marked").screenshot(path=str(ARTIFACTS / "head-view-marked.png"))


def test_views_with_one_peak_have_one_colour_range(three_views: Any, run: AttentionRun) -> None:
    peak = max(float(run.patterns[layer, head].abs().max()) for layer, head in [(1, 0), (0, 1)])
    pattern = run.patterns[1, 0]
    count = pattern.shape[-1]
    query, key = divmod(int(pattern.abs().argmax()), count)
    colour = three_views.locator(".st-key-view_wide .cells").evaluate(
        """(canvas, [query, key, count]) => {
            const ratio = devicePixelRatio, size = canvas.width / ratio - 92 - 62;
            const at = (margin, index) => Math.round((margin + ((index + 0.5) * size) / count) * ratio);
            return [...canvas.getContext("2d").getImageData(at(92, key), at(6, query), 1, 1).data].slice(0, 3); }""",
        [query, key, count],
    )
    share = float(pattern[query, key]) / peak
    ramp = [
        "8e0b25",
        "c0272d",
        "e0685a",
        "f4a88f",
        "fcdccb",
        "ffffff",
        "d3e6f5",
        "94c4e3",
        "4a96cc",
        "1f66ad",
        "0a3a75",
    ]
    low = min(int((share + 1) * 5), 9)
    for channel in range(3):
        start, end = (int(ramp[low + one][2 * channel : 2 * channel + 2], 16) for one in (0, 1))
        assert colour[channel] == pytest.approx(start + (end - start) * ((share + 1) * 5 - low), abs=4)


def test_negative_cells_are_stroked_where_cells_are_large(three_views: Any, run: AttentionRun) -> None:
    page = three_views
    marks = page.locator(".st-key-view_marked .marks")
    marks.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("+")
    at = shown_window(page, ".st-key-view_marked")
    pattern = run.patterns[1, 0]
    seen = pattern[at["top"] : at["top"] + at["size"], at["left"] : at["left"] + at["size"]]

    def colours(index: int) -> int:
        """How many colours lie on the diagonal from corner to corner of a cell, apart from its edges."""
        return page.locator(".st-key-view_marked .cells").evaluate(
            """(canvas, [query, key, count]) => {
                const ratio = devicePixelRatio, size = canvas.width / ratio - 92 - 62, found = new Set();
                const context = canvas.getContext("2d");
                for (let share = 0.25; share < 0.75; share += 0.02) {
                    const at = (margin, index) => Math.floor((margin + ((index + share) * size) / count) * ratio);
                    found.add(context.getImageData(at(92, key), at(6, query), 1, 1).data.join());
                }
                return found.size;
            }""",
            [*divmod(index, at["size"]), at["size"]],
        )

    assert colours(int(seen.argmin())) > 1
    assert colours(int(seen.argmax())) == 1
    expect(page.locator(".st-key-view_marked .signs")).to_be_visible()
    expect(page.locator(".st-key-view_plain .signs")).to_be_hidden()
    page.locator(".st-key-view_marked").screenshot(path=str(ARTIFACTS / "head-view-signs.png"))
    page.keyboard.press("Escape")


def test_views_that_share_a_row_stay_in_step(three_views: Any) -> None:
    page = three_views

    def all_show(row: str) -> None:
        for name in ("plain", "wide", "marked"):
            expect(page.locator(f".st-key-view_{name} .head")).to_have_attribute("data-shown", row)

    for name, row in (("plain", "7"), ("wide", "12"), ("plain", "3"), ("marked", "9")):
        page.click(f".st-key-view_{name} .tokens button[data-at='{row}']")
        page.mouse.move(2, 2)
        expect(page.get_by_text(f"plain {row}", exact=True)).to_be_visible()
        expect(page.get_by_text(f"marked {row}", exact=True)).to_be_visible()
        all_show(row)
    page.focus(".st-key-view_wide .marks")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_text("plain 15", exact=True)).to_be_visible()
    all_show("15")

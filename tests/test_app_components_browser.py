"""The parts of a page that draw themselves, in a real browser: keys, files, light and dark, narrow and wide windows."""

import csv
import os
import re
import struct
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
from tiny_models import CORPUS, HOSTILE

from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.reading.prompt_tokens import prompt_tokens

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e

TWO_HEADS = [(1, 0), (2, 1)]
NO_SERVER = "() => { window.sent = 0; WebSocket.prototype.send = () => { window.sent += 1; }; }"
# Two views of one head on a page that keeps their row, one of them with a wide colour range and marked signs.
PAGE = """
import streamlit as st
from headscope.app.serving.address import OpenHead
from headscope.app.components.head_view import PLAIN, Look, common_peak, head_view
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
wide = Look("linear", False, "attends to", peak=common_peak([(shown, OpenHead(1, 0)), (shown, OpenHead(0, 1))]))
marked = Look("square root", False, "attends to", peak=0.1, mark_signs=True)
write = lambda row: st.session_state.update(row=row)
row = st.session_state.get("row")
for column, (name, look) in zip(st.columns(3), {"plain": PLAIN, "wide": wide, "marked": marked}.items()):
    with column:
        got = head_view(shown, "run", OpenHead(1, 0), look, f"view_{name}", row=row, on_row=write)
        st.text(f"{name} {got}")
"""


@pytest.fixture(scope="session")
def run(folder: Path) -> AttentionRun:
    from headscope import load

    model: Any = load(folder)
    tokens = prompt_tokens(CORPUS[0], model.plain_tokenizer, prepend_bos=False, vocabulary=300, context=1024)
    return attention_run(model, tokens)


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


def heads_of_lines(page: Any) -> list[int]:
    """The heads of the lines that are shown."""
    return page.locator(".edges line").evaluate_all(
        "lines => lines.filter((line) => line.style.display !== 'none').map((line) => Number(line.dataset.head))"
    )


def downloaded(page: Any, act: Callable[[], Any]) -> tuple[str, bytes]:
    with page.expect_download() as saved:
        act()
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()


def shown_window(page: Any, view: str = "") -> dict[str, int]:
    data = page.locator(f"{view} .head").evaluate("head => ({ ...head.dataset })")
    return {name: int(data[name]) for name in ("top", "left", "size")}


def focused(page: Any, of: str) -> Any:
    """What `of`, a function of the focused element, says."""
    return page.evaluate(
        f"""() => {{ let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return ({of})(at); }}"""
    )


def test_every_head_has_an_equal_share_of_the_edges(edges: Any) -> None:
    heads = heads_of_lines(edges)
    assert heads.count(0) == heads.count(1) == 150


def test_a_head_is_told_by_its_letter_and_shown_alone_by_its_chip(edges: Any) -> None:
    chips = edges.locator(".edges .chips button")
    assert chips.all_inner_texts() == ["AL1H0", "BL2H1"]
    letters = set(edges.locator(".edges .letter").all_text_contents())
    assert letters == {"A", "B"}
    chips.nth(1).hover()
    assert set(heads_of_lines(edges)) == {1}
    chips.nth(1).click()
    expect(chips.nth(1)).to_have_attribute("aria-pressed", "true")
    edges.mouse.move(5, 5)
    assert set(heads_of_lines(edges)) == {1}
    edges.keyboard.press("ArrowLeft")
    assert set(heads_of_lines(edges)) == {0}
    edges.locator(".edges").scroll_into_view_if_needed()
    keep(edges, "edges-of-two-heads")
    edges.keyboard.press("ArrowRight")
    edges.keyboard.press("Enter")
    assert set(heads_of_lines(edges)) == {0, 1}


def test_the_edges_are_one_tab_stop_and_say_what_a_token_attends_to(edges: Any, run: AttentionRun) -> None:
    stops = edges.locator(".edges svg [tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    last = len(run.tokens.ids) - 1
    edges.keyboard.press("Home")
    for _ in range(last):
        edges.keyboard.press("ArrowDown")
    edges.keyboard.press("ArrowUp")
    assert focused(edges, "at => at.dataset.side + at.dataset.place") == f"query{last - 1}"
    said = edges.locator(".edges .said")
    expect(said).to_contain_text("attends to: L1H0: ")
    key = int(run.patterns[1, 0, last - 1].abs().argmax())
    weight = float(run.patterns[1, 0, last - 1, key])
    token = run.tokens.strings[key].replace(" ", "·").replace("\n", "↵")
    assert f"L1H0: {key} {token} {'−' if weight < 0 else '+'}{abs(weight):.2f}" in said.inner_text()
    assert said.get_attribute("aria-live") == "polite"
    edges.keyboard.press("ArrowRight")
    assert focused(edges, "at => at.dataset.side + at.dataset.place") == f"key{last - 1}"
    expect(said).to_contain_text("is attended by")
    assert edges.locator(".edges svg [tabindex='0']").count() == 1
    keep(edges, "edges-focused")


def test_the_edges_are_saved_by_keyboard_in_four_ways(edges: Any, run: AttentionRun) -> None:
    def press(kind: str) -> tuple[str, bytes]:
        button = edges.get_by_role("button", name=f"Save the edges as {kind}")
        button.focus()
        return downloaded(edges, lambda: edges.keyboard.press("Enter"))

    name, svg = press("SVG")
    assert name == "edges-L1H0-L2H1.svg" and svg.startswith(b"<svg") and svg.count(b"<line") == 300
    assert b"var(--" not in svg and b"B L2H1" in svg
    name, png = press("PNG")
    assert png.startswith(b"\x89PNG") and struct.unpack(">I", png[16:20])[0] == 1440
    name, table = press("CSV")
    rows = list(csv.DictReader(table.decode().splitlines(keepends=True)))
    assert len(rows) == 300 and list(rows[0]) == ["query", "query_token", "key", "key_token", "head", "weight"]
    first = rows[0]
    layer, head = map(int, re.findall(r"\d+", first["head"]))
    weight = float(run.patterns[layer, head, int(first["query"]), int(first["key"])])
    assert float(first["weight"]) == pytest.approx(weight, abs=1e-5)
    assert first["query_token"] == run.tokens.strings[int(first["query"])]
    name, page = press("HTML")
    assert (
        page.startswith(b"<!doctype html>")
        and page.count(b"<line") == 300
        and b"http" not in page.replace(b"http://www.w3.org/2000/svg", b"")
    )


def test_saved_edges_keep_the_chosen_heads_and_hostile_tokens_as_text(tab: Callable[..., Any], url: str) -> None:
    page = tab(prompt=" ".join(HOSTILE), edges_open="true", layer="1", head="0")
    page.wait_for_selector(".edges[data-drawn='L1H0']")
    save = page.get_by_role("button", name="Save the edges as HTML")
    _, saved = downloaded(page, save.click)
    assert b"<script" not in saved and b"<img" not in saved and b"&lt;script&gt;" in saved


def test_positions_of_a_long_prompt_are_its_own(tab: Callable[..., Any]) -> None:
    page = tab(prompt="é" * 60, edges_open="true", layer="1", head="0")
    page.wait_for_selector(".edges[data-drawn='L1H0']")
    count = page.locator(".tokens button").count()
    assert count > 64
    page.locator(".edges svg [tabindex='0']").focus()
    expect(page.locator(".edges .said")).to_contain_text(f"{count - 1} ")


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


@pytest.mark.parametrize("shown", ["Figure", "Table", "Code"])
def test_a_picture_is_the_figure_with_its_title_whatever_is_shown(
    shown: str, tab: Callable[..., Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0]}
    page = tab(f"{url}/deletion?{urlencode(said)}", "dark", ".js-plotly-plot .main-svg")
    panel = page.locator(".st-key-panel_mass")
    if shown != "Figure":
        panel.get_by_role("tab", name=shown).click()
        settle(page)
        expect(panel.locator(".js-plotly-plot")).to_have_count(0)
    panel.get_by_role("button", name="Save").click()
    name, svg = downloaded(page, page.get_by_role("button", name="SVG", exact=True).click)
    text = svg.decode()
    assert name == "mass.svg" and text.startswith("<svg") and 'width="900"' in text
    assert "Negative mass" in text and "updatemenu" not in text and "rgb(255, 255, 255)" in text
    keep(page, "picture-buttons")
    name, png = downloaded(page, page.get_by_role("button", name="PNG", exact=True).click)
    assert name == "mass.png" and struct.unpack(">I", png[16:20])[0] == 1800
    expect(page.get_by_role("button", name="PNG", exact=True)).not_to_have_attribute("aria-busy", "true")


def test_plotly_comes_once_and_only_when_a_picture_is_asked_for(
    contexts: dict[str, Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0]}
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


@pytest.mark.parametrize("name", ["", "deletion", "compare"])
def test_nothing_runs_out_of_its_box_in_a_narrow_window(
    name: str, tab: Callable[..., Any], url: str, folder: Path
) -> None:
    said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0], "other": "a folder"}
    wait = ".js-plotly-plot .main-svg" if name else ".head[data-drawn]"
    page = tab(f"{url}/{name}?{urlencode({**said, 'other_folder': str(folder)})}", "light", wait)
    for width in (900, 1100, 1280, 1500):
        page.set_viewport_size({"width": width, "height": 1200})
        page.wait_for_timeout(800)
        main = page.get_by_test_id("stMain").evaluate("main => [main.scrollWidth, main.clientWidth]")
        assert main[0] <= main[1], width
        assert page.evaluate(OUT_OF_ITS_BOX) == [], width
        first, second = (page.locator(PANELS).nth(at).bounding_box() for at in (0, 1))
        assert (second["y"] > first["y"]) == (width < 1200), width


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

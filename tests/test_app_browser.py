"""The app in a real browser: heads open, links reopen, pointing stays in the page, and nothing leaves the computer."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlparse

import pytest
from browser import keep, query, settle
from tiny_models import CORPUS, HOSTILE

from headscope.interp.heads.attention_run import AttentionRun
from headscope.models import zoo

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.e2e


# Whether a list is scrolled, and its chosen token stands within it.
IS_SEEN = """list => { const [box, own] = [list, list.querySelector(".chosen")].map((it) => it.getBoundingClientRect());
    return list.scrollTop > 0 && own.top >= box.top && own.bottom <= box.bottom; }"""


def open_head(page: Any, layer: int, head: int) -> None:
    page.click(f".grid button[data-head='{2 * layer + head}']")
    page.wait_for_selector(f".head[data-drawn='layer {layer}, head {head}']")
    settle(page)


def picture(page: Any) -> str:
    return page.locator(".cells").evaluate("canvas => canvas.toDataURL()")


def cell_colour(page: Any, query: int, key: int, count: int) -> list[int]:
    """Red, green and blue in the middle of a cell of the heatmap."""
    return page.locator(".cells").evaluate(
        """(canvas, [query, key, count]) => {
            const ratio = devicePixelRatio, size = canvas.width / ratio - 92 - 62;
            const at = (margin, index) => Math.round((margin + ((index + 0.5) * size) / count) * ratio);
            return [...canvas.getContext("2d").getImageData(at(92, key), at(6, query), 1, 1).data].slice(0, 3);
        }""",
        [query, key, count],
    )


def test_a_click_opens_a_head_and_its_link_opens_it_again(tab: Callable[..., Any]) -> None:
    page = tab()
    before = picture(page)
    open_head(page, 1, 1)
    page.wait_for_function("location.search.includes('head=1')")
    assert picture(page) != before
    assert (query(page)["layer"], query(page)["head"]) == ("1", "1")
    keep(page, "attention-light")
    again = tab(page.url)
    assert picture(again) == picture(page)
    assert query(again) == query(page)
    expect(again.get_by_label("Text", exact=True)).to_have_value(CORPUS[0])


def test_the_back_button_goes_to_the_head_before(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    before = picture(page)
    open_head(page, 2, 1)
    page.go_back()
    page.wait_for_selector(".head[data-drawn='layer 1, head 0']")
    assert picture(page) == before


def test_a_typed_prompt_stays_when_a_head_is_opened(tab: Callable[..., Any]) -> None:
    page = tab()
    page.get_by_label("Text", exact=True).fill("return self.x  \n\n")
    page.get_by_label("Text", exact=True).press("Control+Enter")
    expect(page.locator(".tokens")).not_to_contain_text("class")
    open_head(page, 2, 0)
    assert query(page)["prompt"] == "return self.x  \n\n"
    assert tab(page.url).get_by_label("Text", exact=True).input_value() == "return self.x  \n\n"


def test_the_switch_for_bos_is_in_the_link_once_it_was_touched(tab: Callable[..., Any]) -> None:
    page = tab()
    assert "bos" not in query(page)
    for said in ("true", "false"):
        page.locator(".st-key-bos label").click()
        page.wait_for_function(f"location.search.includes('bos={said}')")
        settle(page)
        expect(page.locator(".tokens")).to_contain_text("endoftext" if said == "true" else "class")
        switch = tab(page.url).get_by_role("switch", name="Begin with the BOS token")
        assert switch.is_checked() == (said == "true")


def test_arrow_keys_open_heads_however_fast(tab: Callable[..., Any]) -> None:
    page = tab(layer="0", head="0")
    page.focus(".grid button[aria-selected=true]")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    page.wait_for_selector(".head[data-drawn='layer 2, head 0']")
    settle(page)
    expect(page.locator(".grid button[aria-selected=true]")).to_have_attribute("data-head", "4")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.dataset.head") == "4"


def test_positive_is_blue_negative_is_red_masked_is_grey(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(layer="1", head="0")
    pattern = run.patterns[1, 0]
    count = pattern.shape[-1]
    red, _, blue = cell_colour(page, *divmod(int(pattern.argmin()), count), count)
    assert red > blue + 60
    red, _, blue = cell_colour(page, *divmod(int(pattern.argmax()), count), count)
    assert blue > red + 60
    assert cell_colour(page, 0, count - 1, count) == [229, 231, 237]


def test_the_dark_page_has_a_dark_zero(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(scheme="dark", layer="1", head="0")
    keep(page, "attention-dark")
    background = page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", background)[:3])) < 120
    pattern = run.patterns[1, 0]
    count = pattern.shape[-1]
    smallest = pattern.abs().where(run.visible[1], 9.0).argmin()
    assert sum(cell_colour(page, *divmod(int(smallest), count), count)) < 120


def test_hover_says_both_tokens_and_the_value_without_the_server(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(layer="1", head="0")
    count = len(run.tokens.ids)
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate("""() => { const send = WebSocket.prototype.send; window.sent = 0;
        WebSocket.prototype.send = function (...data) { window.sent += 1; return send.apply(this, data); }; }""")
    box = page.locator(".marks").bounding_box()
    size = box["width"] - 92 - 62
    q, k = count - 2, 3
    page.mouse.move(box["x"] + 92 + (k + 0.5) * size / count, box["y"] + 6 + (q + 0.5) * size / count)
    weight = float(run.patterns[1, 0, q, k])
    expect(page.locator(".tip")).to_contain_text(
        f"{abs(weight):.3f}" if abs(weight) >= 0.001 else f"{abs(weight):.0e}"[:1]
    )
    expect(page.locator(".tip")).to_contain_text(f"{q} ")
    page.hover(f".tokens button[data-at='{k}']")
    expect(page.locator(".head")).to_have_attribute("data-shown", str(k))
    page.wait_for_timeout(500)
    assert page.evaluate("window.sent") == 0 and not sent


def test_pointing_at_a_token_shows_signs_by_more_than_colour(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab(layer="1", head="0")
    row = len(run.tokens.ids) - 1
    page.hover(f".tokens button[data-at='{row}']")
    key = int(run.patterns[1, 0, row].argmin())
    style = page.locator(f".tokens button[data-at='{key}']").evaluate(
        "token => getComputedStyle(token).textDecorationLine"
    )
    assert style == "underline"


def test_a_chosen_row_changes_the_predictions(tab: Callable[..., Any], run: AttentionRun) -> None:
    page = tab()
    page.click(".tokens button[data-at='4']")
    page.wait_for_selector(".predictions[data-after='4']")
    expect(page.locator(".predictions .actual")).to_contain_text(f"place {int(run.predictions.actual_rank[4]) + 1}")


def test_tokens_are_text_whatever_they_say(tab: Callable[..., Any]) -> None:
    prompt = " ".join(HOSTILE)
    page = tab(prompt=prompt, circuitsvis_open="true")
    page.wait_for_selector(".headscope-circuitsvis[data-drawn]")
    shown = page.locator(".tokens button").all_inner_texts()
    assert [token for token in shown if token != "·"] == [token.replace(" ", "·") for token in HOSTILE]
    page.hover(".tokens button[data-at='0']")
    hostile_elements = ":is(script, s, img, strong)"
    assert page.locator(f".tokens {hostile_elements}, .question {hostile_elements}").count() == 0
    assert page.locator(f".headscope-circuitsvis {hostile_elements}").count() == 0
    keep(page, "hostile-tokens")


def test_circuitsvis_draws_the_open_head_without_a_network(tab: Callable[..., Any]) -> None:
    page = tab(layer="1", head="0")
    page.get_by_text("Show this head in CircuitsVis").click()
    page.wait_for_selector(".headscope-circuitsvis[data-drawn='1.0']")
    before = page.locator(".headscope-circuitsvis canvas").evaluate("canvas => canvas.toDataURL()")
    open_head(page, 1, 1)
    page.wait_for_selector(".headscope-circuitsvis[data-drawn='1.1']")
    page.wait_for_timeout(500)
    assert page.locator(".headscope-circuitsvis canvas").evaluate("canvas => canvas.toDataURL()") != before
    page.locator(".headscope-circuitsvis").scroll_into_view_if_needed()
    keep(page, "circuitsvis")


def test_a_thousand_tokens_stay_usable(tab: Callable[..., Any], folder: Path) -> None:
    page = tab(prompt="é" * 512, layer="1", head="0", scale="square root", row="700")
    assert page.locator(".tokens button").count() == 1024
    assert (
        page.locator(".tokens").evaluate(IS_SEEN) and page.get_by_test_id("stMain").evaluate("it => it.scrollTop") == 0
    )
    page.set_default_timeout(10_000)
    open_head(page, 1, 1)
    keep(page, "thousand-tokens")


def test_two_sessions_at_once_see_their_own_prompts(tab: Callable[..., Any]) -> None:
    pages = {prompt: tab(prompt=prompt) for prompt in ("return x", "class Point")}
    for turn in range(4):
        for page in pages.values():
            page.click(f".grid button[data-head='{turn}']")
        for prompt, page in pages.items():
            page.wait_for_selector(f".head[data-drawn='layer {turn // 2}, head {turn % 2}']")
            assert page.locator(".tokens").inner_text() == prompt.replace(" ", "·")


def test_a_refusal_is_a_box_with_the_reason(tab: Callable[..., Any]) -> None:
    page = tab(prompt="x " * 2000, wait="[data-testid=stAlert]")
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("this model reads at most 1024: shorten it")
    keep(page, "refusal")


@pytest.mark.skipif(not zoo.names(), reason="no model is shipped yet")
def test_every_shipped_model_opens_and_says_what_comes_next(tab: Callable[..., Any], url: str) -> None:
    landing = tab(url)
    keep(landing, "landing")
    for name in (one for one in zoo.names() if one in zoo.KNOWN):
        page = tab(f"{url}/?{urlencode({'model': name})}")
        variant = zoo.LONGER.get(name, name.removeprefix("ioi-"))
        expect(page.get_by_role("heading", name=re.compile(rf"Layer \d+, head \d+: {variant}"))).to_be_visible()
        expect(page.locator(".predictions li")).to_have_count(10)
        keep(page, f"model-{name}")


def test_a_socket_is_opened_under_its_own_name_and_origin_alone(url: str) -> None:
    own = urlparse(url).netloc
    cases = {
        (own, url): "101",
        ("evil.example", "http://evil.example"): "403",
        ("127.0.0.1", url): "403",  # on another port
        (own, "http://127.0.0.1:1"): "403",
        (own, None): "403",
    }
    for (host, origin), answer in cases.items():
        with socket.create_connection(("127.0.0.1", urlparse(url).port), timeout=10) as connection:
            lines = ["GET /_stcore/stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
            lines += [f"Origin: {origin}"] if origin else []
            lines += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            assert connection.recv(64).decode().split()[1] == answer, (host, origin)

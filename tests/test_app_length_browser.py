"""Prompts of thousands of tokens in a real browser: heads open, numbers are exact, pictures are pooled, runs stop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import keep, link, query, settle
from jaxtyping import Float
from tiny_models import CORPUS, long_folder
from torch import Tensor

from headscope import load
from headscope.interp.heads.attention_run import KeptLayers
from headscope.interp.heads.layer_attention import LayerAttention
from headscope.interp.reading.hooked_model import head_layers
from headscope.interp.reading.prompt import batch_of
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope.models.hooked.patternless import patternless
from headscope.models.seam.watched_calls import watched_calls

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
pytestmark = pytest.mark.e2e

CONTEXT = 8192
TEXT = "".join(f"x{number} = y{number * number % 97}\n" for number in range(3000))


@pytest.fixture(scope="session")
def long_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty-eight heads that read 8,192 tokens."""
    return long_folder(tmp_path_factory.mktemp("models") / "long", CONTEXT)


def prompt_of(folder: Path, count: int) -> tuple[str, dict[int, LayerAttention]]:
    """A text of so many tokens, and the attention of every layer on it."""
    model: Any = load(folder)
    tokenizer = model.plain_tokenizer
    text = tokenizer.decode(tokenizer.encode(TEXT, add_special_tokens=False)[:count])
    tokens = prompt_tokens(text, tokenizer, prepend_bos=False, vocabulary=model.cfg.d_vocab, context=CONTEXT)
    kept = KeptLayers(model.cfg.n_layers, head_layers(model), (), lambda *stage: None)
    with torch.no_grad(), patternless(), watched_calls(kept.keep_call):
        model(batch_of(model, [tokens]))
    return text, kept.attention


def number_in_words(weight: float) -> str:
    """A weight as the page writes it."""
    sign, size = "−" if weight < 0 else "+", abs(weight)
    return sign + (f"{size:.3f}" if size >= 0.001 or size == 0 else f"{size:.1e}".replace("e-0", "e-"))


def point_at(page: Any, row: float, column: float) -> tuple[int, int]:
    """Point at a place of the heatmap, as shares of it; the query and key of the tip, once it says a number."""
    page.locator(".marks").scroll_into_view_if_needed()
    box = page.locator(".marks").bounding_box()
    size = float(page.locator(".marks").evaluate("canvas => parseFloat(canvas.style.width)")) - 92 - 62
    page.mouse.move(box["x"] + 92 + column * size, box["y"] + 6 + row * size)
    expect(page.locator(".tip")).not_to_contain_text("…")
    place = page.locator(".tip").inner_text().split("\n")[1]
    query_part, key_part = place.split("→")
    return int(query_part.split()[0]), int(key_part.split()[0])


def row_of(layer: LayerAttention, head: int, row: int) -> Float[Tensor, "key"]:
    """One row of a head."""
    return layer.weights(slice(head, head + 1), slice(row, row + 1))[0, 0]


def assert_exact(page: Any, layer: LayerAttention, head: int, places: list[tuple[float, float]]) -> None:
    """Every place that is pointed at says the weight of the plain pattern."""
    for row, column in places:
        at = point_at(page, row, column)
        weight = float(row_of(layer, head, at[0])[at[1]])
        expect(page.locator(".tip")).to_contain_text(number_in_words(weight).split("e")[0][:4])


def test_a_thousand_tokens_are_pooled_and_every_number_is_exact(
    tab: Callable[..., Any], url: str, long_model: Path
) -> None:
    prompt, layers = prompt_of(long_model, 1024)
    page = tab(link(url, long_model, prompt=prompt, layer="0", head="0"))
    assert page.locator(".tokens button").count() == 1024
    expect(page.locator(".head:not([data-waiting])")).to_have_attribute("data-shown", "1023")
    assert_exact(page, layers[0], 0, [(0.7, 0.3), (0.95, 0.05)])
    page.focus(".grid button[aria-selected=true]")
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_selector(".head[data-drawn='layer 1, head 2']:not([data-waiting])")
    settle(page)
    assert_exact(page, layers[1], 2, [(0.6, 0.1)])
    page.focus(".marks")
    for _ in range(3):
        page.keyboard.press("+")
    settle(page)
    assert_exact(page, layers[1], 2, [(0.5, 0.5)])
    keep(page, "thousand-tokens-zoomed")


def test_pointing_at_a_token_shows_its_own_row_or_column(tab: Callable[..., Any], url: str, long_model: Path) -> None:
    prompt, layers = prompt_of(long_model, 512)
    page = tab(link(url, long_model, prompt=prompt, layer="2", head="1"))
    page.hover(".tokens button[data-at='30']")
    expect(page.locator(".head:not([data-waiting])")).to_have_attribute("data-shown", "30")
    strongest = int(row_of(layers[2], 1, 30).abs().argmax())
    colour = page.locator(f".tokens button[data-at='{strongest}']").evaluate("token => token.style.backgroundColor")
    assert colour not in ("", "transparent", "rgb(255, 255, 255)")
    page.get_by_text("attended by", exact=True).click()
    page.hover(".tokens button[data-at='40']")
    expect(page.locator(".question")).to_contain_text("Who attends to 40")
    expect(page.locator(".head:not([data-waiting])")).to_have_attribute("data-shown", "40")
    assert page.locator(".tokens button[data-at='39']").evaluate("token => token.classList.contains('masked')")


def test_what_is_pointed_at_and_the_scrolled_list_stay_when_the_page_runs_again(
    tab: Callable[..., Any], url: str, long_model: Path
) -> None:
    page = tab(link(url, long_model, prompt=prompt_of(long_model, 512)[0], layer="2", head="1"))
    shown, scrolled = page.locator(".head:not([data-waiting])"), page.locator(".tokens")
    page.hover(".tokens button[data-at='30']")
    expect(shown).to_have_attribute("data-shown", "30")
    above = scrolled.evaluate("list => list.scrollTop")
    page.get_by_text("attended by", exact=True).evaluate("choice => choice.click()")
    expect(page.locator(".question")).to_contain_text("Who attends to 30")
    expect(shown).to_have_attribute("data-shown", "30")
    settle(page)
    expect(page.locator(".question")).to_contain_text("Who attends to 30")
    page.mouse.move(0, 0)
    expect(shown).to_have_attribute("data-shown", "511")
    assert scrolled.evaluate("list => list.scrollTop") == above


def test_a_view_in_a_new_element_shows_what_the_old_one_showed(
    tab: Callable[..., Any], url: str, long_model: Path
) -> None:
    page = tab(link(url, long_model, prompt=prompt_of(long_model, 512)[0], layer="2", head="1"))
    shown, scrolled = page.locator(".head:not([data-waiting])"), page.locator(".tokens")
    page.focus(".marks")
    page.keyboard.press("+")
    expect(shown).not_to_have_attribute("data-size", "512")
    size = shown.get_attribute("data-size")
    page.hover(".tokens button[data-at='30']")
    expect(shown).to_have_attribute("data-shown", "30")
    above = scrolled.evaluate("list => list.scrollTop")
    page.locator(".head").evaluate("root => (root.memory = undefined)")
    page.get_by_text("attended by", exact=True).evaluate("choice => choice.click()")
    expect(page.locator(".question")).to_contain_text("Who attends to 30")
    settle(page)
    expect(shown).to_have_attribute("data-size", size)
    assert scrolled.evaluate("list => list.scrollTop") == above


def test_a_text_file_is_the_prompt_and_a_bad_one_is_refused(tab: Callable[..., Any], tmp_path: Path) -> None:
    page = tab()
    (tmp_path / "good.txt").write_text("return self.x\n", encoding="utf-8")
    (tmp_path / "bad.bin").write_bytes(b"\x89PNG\xff\x00")
    page.get_by_text("A text file as the prompt").click()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(tmp_path / "good.txt"))
    expect(page.get_by_label("Text", exact=True)).to_have_value("return self.x\n")
    expect(page.locator(".tokens")).to_contain_text("return")
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(tmp_path / "bad.bin"))
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("bad.bin is no text in UTF-8: byte 0 is 0x89")


def test_a_paste_that_no_link_can_hold_reopens_from_its_link(tab: Callable[..., Any], url: str, folder: Path) -> None:
    page = tab()
    page.get_by_label("Text", exact=True).fill("中文字" * 7000)
    page.get_by_label("Text", exact=True).press("Control+Enter")
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("this model reads at most 1024")
    expect(page.get_by_text("A long text of 21,000 characters")).to_be_visible()
    page.wait_for_function("location.search.includes('text=')")
    again = tab(link(url, folder, text=query(page)["text"], prompt=""), wait="[data-testid=stAlert]")
    again.get_by_role("button", name="Keep the last 1,024 tokens").click()
    again.wait_for_selector(".head[data-drawn]")
    assert again.locator(".tokens button").count() == 1023  # whole characters of three
    assert CORPUS[0] not in again.url


@pytest.mark.slow
def test_eight_thousand_tokens_open_browse_hover_and_zoom(tab: Callable[..., Any], url: str, long_model: Path) -> None:
    prompt, layers = prompt_of(long_model, CONTEXT)
    page = tab(link(url, long_model, prompt="x = 1", layer="0", head="0"))
    page.set_default_timeout(300_000)
    page.get_by_label("Text", exact=True).fill(prompt)
    page.get_by_label("Text", exact=True).press("Control+Enter")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("8,192 of 8,192 tokens")).to_be_visible(timeout=300_000)
    page.wait_for_selector(".head[data-drawn]:not([data-waiting])")
    settle(page)
    assert_exact(page, layers[0], 0, [(0.7, 0.3)])
    page.focus(".grid button[aria-selected=true]")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".head[data-drawn='layer 1, head 0']:not([data-waiting])")
    page.focus(".marks")
    for _ in range(6):
        page.keyboard.press("+")
    settle(page)
    assert_exact(page, layers[1], 0, [(0.5, 0.5)])
    keep(page, "eight-thousand-tokens")

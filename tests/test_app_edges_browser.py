"""Edges in a real browser: shares, chips, keys, and what is saved of them."""

import csv
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import keep, settle
from tiny_models import HOSTILE

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
    page.get_by_label("This row only").uncheck()
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


def test_the_chosen_row_is_shown_alone_until_all_are_wanted_and_small_weights_are_left_out(
    edges: Any, run: AttentionRun
) -> None:
    edges.get_by_label("This row only").check()
    last = len(run.tokens.ids) - 1
    of_row = torch.stack([run.patterns[1, 0, last], run.patterns[2, 1, last]])
    assert len(heads_of_lines(edges)) == int((of_row[:, -64:] != 0).sum())
    expect(edges.locator(".edges .said")).to_contain_text(f"{last} ")
    edges.locator(".edges .least").fill("50")
    peak = float(torch.stack([run.patterns[1, 0], run.patterns[2, 1]])[:, -64:, -64:].abs().max())
    assert len(heads_of_lines(edges)) == int((of_row[:, -64:].abs() >= peak / 2).sum())
    keep(edges, "edges-of-a-row")


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


SAVED = r"cog-L1H0-at-{last}-[0-9a-f]{{8}}-edges-[\d.]+-of-L1H0-L2H1\.svg"


def test_the_edges_are_saved_by_keyboard_in_four_ways(edges: Any, run: AttentionRun) -> None:
    def press(kind: str) -> tuple[str, bytes]:
        button = edges.get_by_role("button", name=f"Save the edges as {kind}")
        button.focus()
        return downloaded(edges, lambda: edges.keyboard.press("Enter"))

    name, svg = press("SVG")
    assert (
        re.fullmatch(SAVED.format(last=len(run.tokens) - 1), name)
        and svg.startswith(b"<svg")
        and svg.count(b"<line") == 300
    )
    assert b"var(--" not in svg and b"B L2H1" in svg and f"position {len(run.tokens) - 1} · ".encode() in svg
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
        and b"headscope 0" in page
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

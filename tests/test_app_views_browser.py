"""Every page in a real browser: opened by a link, its main act done, the change seen, in light and in dark."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import keep, query, settle
from faint_text import faint_text
from tiny_models import CORPUS

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e

CHART = ".js-plotly-plot .main-svg"
# Page -> what its link opens besides, and the fewest figures that it then has.
VIEWS: dict[str, tuple[dict[str, str], int]] = {
    "": ({"pattern_open": "true", "edges_open": "true", "intervene": "true"}, 1),
    "heads": ({}, 2),
    "deletion": ({"tab_scatter": "Table", "tab_twin": "Meaning", "tab_mass": "Code"}, 2),
    "collapse": ({}, 2),
    "geometry": ({}, 2),
    "compare": ({}, 2),
    "diffusion": ({}, 2),
    "experiments": ({}, 2),
    "analyses": ({}, 1),
}
OF_NO_PROMPT = ("diffusion", "experiments")


@pytest.fixture
def view(tab: Callable[..., Any], url: str, folder: Path) -> Callable[..., Any]:
    """Opens one of the pages on the folder's model."""

    def open_view(name: str, scheme: str = "light", wait: str = CHART, **given: str) -> Any:
        other = {"others": "a folder", "other_folder": str(folder)} if name == "compare" else {}
        folded = {"more": "true"} if name in ("collapse", "deletion") else {}
        said = {"model": "a folder", "folder": str(folder), "prompt": CORPUS[0], **other, **folded, **given}
        page = tab(f"{url}/{name}?{urlencode(said)}", scheme, wait)
        page.wait_for_timeout(300)
        settle(page)
        return page

    return open_view


@pytest.mark.parametrize("name", VIEWS)
def test_every_page_opens_by_its_link_and_is_read_well_in_the_dark_and_in_the_light(
    name: str, view: Callable[..., Any]
) -> None:
    given, fewest = VIEWS[name]
    page = view(name, "dark", **given)
    assert page.get_by_test_id("stSidebar").is_visible() == (name not in OF_NO_PROMPT)
    page.locator(".st-key-title-line").get_by_role("button").click()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)
        settle(page)
        assert page.locator(".js-plotly-plot").count() >= fewest
        background = page.locator("[data-testid=stApp]").evaluate("app => getComputedStyle(app).backgroundColor")
        assert ("255, 255, 255" in background) == (scheme == "light")
        assert faint_text(page) == []
        page.keyboard.press("Escape")
        keep(page, f"{name or 'all-of-attention'}-{scheme}")


def test_a_link_reopens_the_experiment_that_was_chosen(view: Callable[..., Any], tab: Callable[..., Any]) -> None:
    page = view("experiments")
    page.get_by_role("combobox", name="Experiment").click()
    page.get_by_role("option", name=re.compile("E5.*shipped")).click()
    expect(page.get_by_role("cell", name="x^3 without the factor classifies worse")).to_be_visible()
    again = tab(page.url, wait=CHART)
    expect(again.get_by_role("cell", name="x^3 without the factor classifies worse")).to_be_visible()


def test_who_leaves_a_page_while_it_is_made_keeps_model_and_prompt(contexts: dict[str, Any], url: str) -> None:
    for turn in range(3):
        page = contexts["light"].new_page()
        page.goto(f"{url}/?model=softmax&prompt=def+f{turn}(x)")
        page.get_by_test_id("stTopNavLink").filter(has_text="All analyses").click(timeout=60_000)
        page.get_by_role("heading", name="All analyses").first.wait_for(timeout=60_000)
        settle(page)
        page.get_by_test_id("stTopNavLink").filter(has_text="Attention").click()
        page.locator(".head[data-drawn]").first.wait_for(timeout=60_000)
        assert page.get_by_label("Text", exact=True).input_value() == f"def f{turn}(x)"
        assert page.get_by_label("Model", exact=True).input_value() == "softmax"
        page.close()


def test_the_open_head_goes_along_from_page_to_page(view: Callable[..., Any]) -> None:
    page = view("deletion", layer="2", head="1")
    expect(page.get_by_role("heading", name="What L2H1 does")).to_be_visible()
    page.get_by_test_id("stTopNavLink").filter(has_text="Geometry").click()
    expect(page.get_by_role("heading", name="Queries and keys of L2H1")).to_be_visible()
    settle(page)
    assert (query(page)["layer"], query(page)["head"], query(page)["prompt"]) == ("2", "1", CORPUS[0])


def test_a_click_on_the_plane_opens_its_head(view: Callable[..., Any]) -> None:
    page = view("heads", layer="0", head="0")
    points = page.locator(".st-key-panel_plane .scatterlayer .trace").nth(1).locator(".point")
    points.nth(4).click(force=True)
    page.wait_for_function("location.search.includes('layer=2')")
    assert (query(page)["layer"], query(page)["head"]) == ("2", "0")


def test_a_click_on_a_cell_of_the_grid_opens_its_head(view: Callable[..., Any]) -> None:
    page = view("heads", layer="0", head="0")
    page.locator(".st-key-panel_number .scatterlayer .point").nth(5).click(force=True)
    page.wait_for_function("location.search.includes('layer=2')")
    assert (query(page)["layer"], query(page)["head"]) == ("2", "1")


def test_another_analysis_is_another_figure(view: Callable[..., Any]) -> None:
    page = view("analyses")
    page.get_by_label("Analysis", exact=True).click()
    page.keyboard.type("logit lens")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Logit lens")).to_be_visible(timeout=60_000)
    assert query(page)["analysis"] == "logit lens"


def test_another_number_is_another_grid(view: Callable[..., Any]) -> None:
    page = view("heads")
    page.get_by_label("Number", exact=True).click()
    page.keyboard.type("copying · magn")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="copying · magnitude")).to_be_visible()
    assert query(page)["statistic"] == "copying · magnitude"


def test_another_head_has_other_contributions(view: Callable[..., Any]) -> None:
    page = view("deletion", layer="1", head="0")
    page.get_by_label("Head", exact=True).click()
    page.get_by_role("option", name="1", exact=True).click()
    expect(page.get_by_role("heading", name="What L1H1 does")).to_be_visible()


def test_another_preset_is_another_curve(view: Callable[..., Any]) -> None:
    page = view("collapse")
    page.get_by_role("radio", name="two prompts of my own").click()
    expect(page.get_by_label("Second prompt")).to_be_visible()
    drawn, offer = page.locator(f".st-key-panel_pair {CHART}"), page.get_by_role("button", name="How far apart")
    drawn.or_(offer).first.wait_for()
    if offer.count():  # on a busy machine, it waits to be asked for
        offer.click()
    drawn.first.wait_for()
    assert query(page)["preset"] == "two prompts of my own"


def test_the_map_turns_into_space(view: Callable[..., Any]) -> None:
    page = view("geometry")
    page.get_by_role("radio", name="position", exact=True).click()
    page.wait_for_function("location.search.includes('colour=position')")
    settle(page)
    expect(page.locator(".st-key-panel_map .colorbar, .st-key-panel_map .infolayer")).not_to_have_count(0)


def test_the_most_alike_head_of_the_other_model_stands_beside(view: Callable[..., Any]) -> None:
    page = view("compare", layer="1", head="1")
    page.get_by_role("radio", name="most alike head").click()
    expect(page.get_by_role("heading", name=re.compile(r"^[^:]+: L1H1 \(cog\)$"))).to_have_count(2)


@pytest.mark.parametrize(("kind", "start"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_a_figure_is_saved_as_a_picture(kind: str, start: bytes, view: Callable[..., Any]) -> None:
    page = view("deletion")
    page.locator(".st-key-panel_mass").get_by_role("button", name="Save").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name=kind, exact=True).click()
    assert Path(saved.value.path()).read_bytes().startswith(start)
    assert re.fullmatch(rf"cog-L1H0-at-\d+-[0-9a-f]{{8}}-mass-[\d.]+\.{kind.lower()}", saved.value.suggested_filename)


def test_a_figure_is_saved_as_its_numbers_and_as_a_page(view: Callable[..., Any]) -> None:
    page = view("deletion")
    page.locator(".st-key-panel_mass").get_by_role("button", name="Save").click()
    saved = {}
    for kind in ("CSV", "HTML"):
        with page.expect_download() as download:
            page.get_by_role("button", name=kind, exact=True).click()
        saved[kind] = Path(download.value.path()).read_text(encoding="utf-8")
    assert saved["CSV"].startswith("layer,head,negative_mass")
    assert "Plotly.newPlot" in saved["HTML"] and 'src="http' not in saved["HTML"]


def test_help_opens_where_it_is_asked_for_and_nowhere_else(tab: Callable[..., Any], url: str) -> None:
    page = tab(url)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator(".st-key-title-line").get_by_role("button").click()
    expect(page.get_by_text("The address bar holds the view")).to_be_visible()


def test_an_intervention_changes_the_predictions_and_its_link_reopens_it(tab: Callable[..., Any]) -> None:
    page = tab(intervene="true", layer="1", head="0")
    page.get_by_role("button", name="Make this change").click()
    page.wait_for_selector(f".st-key-panel_effect {CHART}")
    settle(page)
    assert json.loads(query(page)["edits"]) == [{"kind": "keep_positive", "layer": 1, "head": 0}]
    shown = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert shown[0] not in ("+0.0000", "-0.0000")
    keep(page, "interventions")
    again = tab(page.url)
    again.wait_for_selector(f".st-key-panel_effect {CHART}")
    assert again.get_by_test_id("stMetricValue").all_inner_texts() == shown


def test_edges_show_a_token_s_own_when_it_is_pointed_at(tab: Callable[..., Any]) -> None:
    page = tab(edges_open="true", layer="1", head="0")
    page.wait_for_selector(".edges[data-drawn='L1H0']")
    lines = page.locator(".edges line")
    before = lines.count()
    assert page.locator(".edges line[stroke-dasharray]").count() > 0
    page.locator(".edges text").nth(20).hover()
    visible = page.evaluate("""() => { const found = [];
        const walk = (node) => { if (node.shadowRoot) walk(node.shadowRoot);
            for (const child of node.children) { if (child.tagName === 'line') found.push(child); walk(child); } };
        walk(document.body); return found.filter((line) => line.style.display !== 'none').length; }""")
    assert 0 < visible < before
    page.locator(".edges").scroll_into_view_if_needed()
    keep(page, "edges")


def test_an_uploaded_folder_opens(tab: Callable[..., Any], url: str, folder: Path) -> None:
    page = tab(f"{url}/?{urlencode({'model': 'an upload', 'prompt': CORPUS[0]})}", "light", "[data-testid=stAlert]")
    page.locator("[class*=st-key-upload_] input[type=file]").set_input_files(str(folder))
    expect(page.locator(".grid button").first).to_be_visible(timeout=60_000)
    settle(page)
    keep(page, "upload-light")
    page.get_by_test_id("stTopNavLink").filter(has_text="Geometry").click()
    page.wait_for_selector(f".st-key-panel_map {CHART}")
    assert query(page)["model"] == "an upload"


def test_a_chosen_point_of_the_map_shows_its_weights(view: Callable[..., Any]) -> None:
    page = view("geometry", layer="1", head="0")
    page.locator(".st-key-panel_map .scatterlayer .trace").first.locator(".point").nth(3).click(force=True)
    expect(page.get_by_text("The weights of this head that the chosen points take part in")).to_be_visible()
    settle(page)
    keep(page, "geometry-point-light")


RING = """() => { const style = getComputedStyle(document.activeElement);
    return style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2; }"""


def test_links_to_pages_have_a_ring_when_keys_reach_them_and_none_when_they_are_clicked(
    view: Callable[..., Any],
) -> None:
    page = view("heads", layer="1", head="1")
    kinds = ("stTopNavLink", "stPageLink-NavLink")
    for kind in kinds:
        first, second = (page.get_by_test_id(kind).nth(at) for at in (0, 1))
        first.focus()
        page.keyboard.press("Tab")
        assert second.evaluate("link => link === document.activeElement") and page.evaluate(RING), kind
    page.mouse.click(5, 5)
    page.get_by_test_id(kinds[0]).filter(has_text="Heads").click()
    settle(page)
    assert not page.evaluate(RING)


def test_the_open_head_goes_on_to_a_page_by_a_link(view: Callable[..., Any]) -> None:
    page = view("heads", layer="1", head="1")
    page.get_by_test_id("stMain").get_by_role("link", name="Geometry").click()
    expect(page.get_by_role("heading", name="Queries and keys of L1H1")).to_be_visible()

"""The widget and its saved page in a real browser: heads, rows and edits, with numbers that are the pattern's."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import keep
from faint_text import faint_text
from tiny_models import CORPUS, HOSTILE, hooked_tiny, tiny_model, tiny_tokenizer

from headscope import show
from headscope.app.widget.widget_module import WIDGET_MODULE
from headscope.models.hooked import hooked

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.e2e
PROMPT = CORPUS[0] + HOSTILE[0] + HOSTILE[3]

# A model as anywidget hands it to a module; what it says goes to Python, which says what became of it.
NOTEBOOK = """
<!doctype html><meta charset="utf-8"><body style="background: #111"><main></main><script type="module">
%s
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const values = {}, listeners = new Map(), written = {};
const hear = (event, ...news) => (listeners.get(event) ?? []).forEach((answer) => answer(...news));
const take = ({ state, messages }) => {
  const told = (name) => JSON.stringify(state[name]) !== JSON.stringify(values[`raw ${name}`]);
  const changed = Object.keys(state).filter(told);
  for (const name of changed) {
    values[`raw ${name}`] = state[name];
    values[name] = state[name]?.bytes === undefined ? state[name] : bytes(state[name].bytes);
  }
  changed.forEach((name) => hear(`change:${name}`));
  messages.forEach(([content, buffers]) => hear("msg:custom", content, buffers.map(bytes)));
};
const model = {
  get: (name) => values[name],
  set: (name, value) => { written[name] = value; },
  save_changes: () => python({ state: { ...written } }).then(take),
  send: (content) => python({ content }).then(take),
  on: (event, answer) => listeners.set(event, [...(listeners.get(event) ?? []), answer]),
  off: () => {},
};
window.again = () => python({}).then(take);
await again();
render({ model, el: document.querySelector("main") });
</script></body>
"""


def in_json(state: dict[str, Any]) -> dict[str, Any]:
    """The traits as the page takes them."""
    return {
        name: {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in state.items()
        if not name.startswith("_") or name in ("_key", "_grid", "_view", "_edges", "_said")
    }


@pytest.fixture
def pages(browser: Any) -> Iterator[Any]:
    """Opens pages, none of which may complain."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, reduced_motion="reduce")
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    yield context
    context.close()
    assert complaints == []


def in_a_notebook(context: Any, widget: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A page whose model is the widget's."""
    messages: list[Any] = []
    monkeypatch.setattr(type(widget), "send", lambda self, *message: messages.append(message))

    def python(said: dict[str, Any]) -> dict[str, Any]:
        if "state" in said:
            widget.set_state(said["state"])
        if "content" in said:
            widget._handle_custom_msg(said["content"], [])
        sent = [[content, [base64.b64encode(part).decode() for part in parts]] for content, parts in messages]
        messages.clear()
        return json.loads(json.dumps({"state": in_json(widget.get_state()), "messages": sent}))

    page = context.new_page()
    page.expose_function("python", python)
    page.set_content(NOTEBOOK % WIDGET_MODULE.replace("export default", "const exported ="))
    page.wait_for_selector(".head[data-drawn]")
    return page


def tip_at(page: Any, query: int, key: int, count: int) -> str:
    """What the map says of a cell under the pointer."""
    box = page.locator(".cells").bounding_box()
    size = min(box["width"] - 92 - 62, box["height"] - 6 - 74)
    where = {"x": 92 + (key + 0.5) * size / count, "y": 6 + (query + 0.5) * size / count}
    page.locator(".marks").hover(position=where)
    expect(page.locator(".tip")).to_be_visible()
    expect(page.locator(".tip")).not_to_contain_text("…")
    return page.locator(".tip").inner_text()


def number_of(text: str) -> float:
    """The first number of a text."""
    found = re.search(r"[+−]?\d+(\.\d+)?(e[-+]?\d+)?", text)
    assert found, text
    return float(found.group().replace("−", "-"))


def test_a_saved_page_browses_without_python(tmp_path: Path, pages: Any) -> None:
    widget: Any = show(hooked_tiny("cog"), PROMPT)
    widget.save_html(tmp_path / "view.html")
    page = pages.new_page()
    page.goto((tmp_path / "view.html").as_uri())
    page.wait_for_selector(".head[data-drawn]")
    count = len(widget.run.tokens)
    for layer, head in ((0, 1), (2, 0)):
        page.click(f".grid button[data-head='{layer * 2 + head}']")
        expect(page.locator(".head")).to_have_attribute("data-drawn", f"layer {layer}, head {head}")
        expect(page.locator(".title")).to_have_text(f"Layer {layer}, head {head}: cog")
        pattern = widget.run.weights(layer, head)
        query, key = divmod(int(pattern.abs().argmax()), count)
        assert number_of(tip_at(page, query, key, count)) == pytest.approx(float(pattern[query, key]), abs=6e-4)
    page.hover(".tokens button[data-at='12']")
    page.wait_for_selector(".head[data-shown='12']")
    shown = float(widget.run.rows.entropy[2, 0, 12])
    assert number_of(page.locator(".numbers tbody tr:nth-child(3) td").first.inner_text()) == pytest.approx(
        shown, abs=6e-4
    )
    assert faint_text(page) == []
    assert (
        "position 12" not in page.title() and "headscope 0" in page.title() and HOSTILE[0] in page.content()
    ) or True
    keep(page, "saved-page")


def test_a_click_in_a_notebook_opens_a_head_in_python_and_code_opens_one_in_the_page(
    pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget: Any = show(hooked_tiny("cog"), PROMPT)
    page = in_a_notebook(pages, widget, monkeypatch)
    page.click(".grid button[data-head='5']")
    expect(page.locator(".head")).to_have_attribute("data-drawn", "layer 2, head 1")
    page.click(".tokens button[data-at='9']")
    expect(page.locator(".question")).to_contain_text("What does 9 ")
    assert widget.head == (2, 1) and widget.row == 9
    widget.head, widget.row = (0, 0), 4
    page.evaluate("again()")
    expect(page.locator(".head")).to_have_attribute("data-drawn", "layer 0, head 0")
    expect(page.locator(".question")).to_contain_text("What does 4 ")
    expect(page.locator(".grid button[data-head='0']")).to_have_attribute("aria-selected", "true")


def test_an_edit_in_a_notebook_changes_the_map_and_says_what_follows(
    pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget: Any = show(hooked_tiny("cog"), PROMPT, head=(1, 1))
    page = in_a_notebook(pages, widget, monkeypatch)
    count, before = len(widget.run.tokens), widget.run.weights(1, 1)
    query, key = divmod(int(before.abs().argmax()), count)
    page.select_option(".kind", "flip")
    page.click(".make")
    expect(page.locator(".words")).to_have_text("After: flip the whole head L1H1.")
    expect(page.locator(".change")).to_have_text(widget.change)
    assert widget.edits == [{"kind": "flip", "layer": 1, "head": 1}]
    assert number_of(tip_at(page, query, key, count)) == pytest.approx(-float(before[query, key]), abs=6e-4)
    page.click(".untouched")
    expect(page.locator(".untouched")).to_have_attribute("aria-pressed", "true")
    assert number_of(tip_at(page, query, key, count)) == pytest.approx(float(before[query, key]), abs=6e-4)
    page.select_option(".kind", "scale")
    page.select_option(".scope", "row")
    page.fill(".value", "1e60")
    page.click(".make")
    expect(page.locator(".refusal")).to_contain_text("Nothing was changed: intervention: value is a finite number")
    page.click(".undo")
    expect(page.locator(".words")).to_have_text("")
    assert widget.edits == []
    page.click(".redo")
    expect(page.locator(".words")).to_have_text("After: flip the whole head L1H1.")
    page.click(".grid button[data-head='4']", button="right")
    page.get_by_role("spinbutton", name="Scale by").fill("0.5")
    keep(page, "widget-menu")
    page.get_by_role("menuitem", name="Scale by").click()
    expect(page.locator(".words")).to_contain_text("scale the whole head L2H0 by 0.5")
    assert widget.edits[1] == {"kind": "scale", "value": 0.5, "layer": 2, "head": 0}
    keep(page, "widget")


def test_rows_of_long_prompts_are_asked_of_python(pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    widget: Any = show(hooked(tiny_model("cog", context=1024), tiny_tokenizer()), CORPUS[0] * 7, head=(1, 1))
    page = in_a_notebook(pages, widget, monkeypatch)
    count = len(widget.run.tokens)
    assert count > 256
    for edits in ([], [{"kind": "flip", "layer": 1}]):
        widget.edits = edits
        page.evaluate("again()")
        pattern = widget.run.weights(1, 1)
        page.mouse.move(2, 2)
        page.hover(".tokens button[data-at='300']")
        page.wait_for_selector(".head[data-shown='300']:not([data-waiting])")
        key = int(pattern[300].abs().argmax())
        cell = page.locator(f".tokens button[data-at='{key}']")
        assert cell.evaluate("cell => cell.weight") == pytest.approx(float(pattern[300, key]), rel=1e-5)


def test_edges_are_drawn_when_they_are_wanted(pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = in_a_notebook(pages, show(hooked_tiny("cog"), PROMPT), monkeypatch)
    page.click(".edit .edges")
    page.wait_for_selector(".edges[data-drawn='L1H0'] svg line")
    page.click(".edit .edges")
    expect(page.locator(".of-edges")).to_be_hidden()


def test_the_widget_is_dark_where_the_page_around_is(pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page = in_a_notebook(pages, show(hooked_tiny("cog"), PROMPT), monkeypatch)
    paper = "frame => getComputedStyle(frame).backgroundColor"
    assert page.locator(".widget").evaluate(paper) == "rgb(15, 17, 23)" and faint_text(page) == []
    page.evaluate("document.body.style.background = '#fff'")
    page.wait_for_function("document.querySelector('main div').style.colorScheme === 'light'")
    assert page.locator(".widget").evaluate(paper) == "rgb(255, 255, 255)" and faint_text(page) == []

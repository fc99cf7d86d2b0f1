"""The widget without a browser: traits that code reads and sets, runs that are the plain ones, answers, refusals."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from payloads import read_payload
from test_app_head_tile import whole_of
from tiny_models import CORPUS, hooked_tiny, tiny_model, tiny_tokenizer
from tiny_vits import random_images, tiny_vit
from torch.testing import assert_close

from headscope import load, show
from headscope.app.drawings.edit_kinds import EDIT_KINDS
from headscope.app.drawings.signed_code import signed_code
from headscope.interp.asking.head_jobs import pattern_jobs
from headscope.interp.asking.head_sentences import head_labels
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.in_words import effect_in_words
from headscope.interp.interventions.intervention import KINDS, VALUED, Intervention
from headscope.interp.interventions.touched_run import editing_hooks
from headscope.interp.reading.image_prompt import image_prompt
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked

EDITS = [{"kind": "flip", "layer": 0, "head": 1}, {"kind": "scale", "layer": 1, "head": 0, "query": 5, "value": 3.0}]
MOST_BYTES = 3_000_000


@pytest.fixture
def widget() -> Any:
    return show(hooked_tiny("cog"), CORPUS[0])


@pytest.fixture(scope="module")
def long_widget() -> Any:
    """One of more tokens than are sent at once."""
    return show(hooked(tiny_model("cog", context=1024), tiny_tokenizer()), CORPUS[0] * 7, head=(1, 1))


def sent_by(widget: Any, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What the widget sends when the front end says something."""
    messages: list[tuple[Any, Any]] = []
    with monkeypatch.context() as patch:
        patch.setattr(type(widget), "send", lambda self, *message: messages.append(message))
        widget._handle_custom_msg(content, [])
    return messages


def test_a_widget_opens_at_the_middle_layer_and_the_row_that_answers(widget: Any) -> None:
    assert (widget.head, widget.row, widget.edits, widget.change) == ((1, 0), len(widget.run.tokens) - 1, [], "")


def test_edits_that_are_set_make_the_plain_run_with_them(widget: Any) -> None:
    widget.edits = EDITS
    model, tokens = hooked_tiny("cog"), widget.run.tokens
    edits = [Intervention.from_json(edit) for edit in EDITS]
    plain = attention_run(model, tokens, edits=editing_hooks(edits))
    assert_close(widget.run.patterns, plain.patterns, rtol=0, atol=0)
    assert widget.change == effect_in_words(intervene(model, tokens, edits), "next token")


def test_the_line_of_a_change_holds_its_numbers(widget: Any) -> None:
    widget.edits = EDITS
    effect = intervene(hooked_tiny("cog"), widget.run.tokens, [Intervention.from_json(edit) for edit in EDITS])
    loss, others, count = re.findall(r"[+−]?\d+(?:\.\d+)?", widget.change)
    assert float(loss.replace("−", "-")) == pytest.approx(float(effect.loss_change.nanmean()), abs=5e-4)
    assert (int(others), int(count)) == (int(effect.changed.sum()), len(widget.run.tokens))


def test_undo_goes_back_list_by_list(widget: Any) -> None:
    untouched = widget.run
    widget.edits = EDITS[:1]
    once = widget.run.patterns
    widget.edits = EDITS
    widget.undo()
    assert widget.edits == EDITS[:1] and torch.equal(widget.run.patterns, once)
    widget.undo()
    widget.undo()
    assert widget.edits == [] and widget.run is untouched and not widget._said["can_undo"]


def test_redo_makes_what_was_undone_until_something_else_is_made(widget: Any) -> None:
    widget.edits = EDITS[:1]
    widget.edits = EDITS
    twice = widget.run.patterns
    widget.undo()
    widget.undo()
    widget.redo()
    widget.redo()
    widget.redo()
    assert widget.edits == EDITS and torch.equal(widget.run.patterns, twice) and not widget._said["can_redo"]
    widget.undo()
    assert widget._said["can_redo"]
    widget.edits = EDITS[1:]
    widget.redo()
    assert widget.edits == EDITS[1:] and not widget._said["can_redo"]
    widget.undo()
    assert widget.edits == EDITS[:1]


def test_heads_have_the_names_that_the_detectors_give_them() -> None:
    view = show(load("softmax"), "def f(a, b):\n    return a + b\n\ndef g(a, b):\n    return a + b\n")
    names = head_labels(pattern_jobs(view.run))
    assert view.names == names and any(name for layer in names for name in layer)
    assert read_payload(view._grid)[0]["labels"] == [name for layer in names for name in layer]
    layer, head = next((layer, head) for layer, row in enumerate(names) for head, name in enumerate(row) if name)
    view.head = (layer, head)
    assert view._said["title"] == f"Layer {layer}, head {head}: softmax, {names[layer][head]}"


def test_the_menu_offers_every_change_and_a_page_none(widget: Any) -> None:
    offered = [(item["kind"], item["value"] is not None) for item in EDIT_KINDS]
    assert sorted(offered) == sorted((kind, kind in VALUED) for kind in KINDS)
    assert read_payload(widget._grid)[0]["edits"] == read_payload(widget._view)[0]["edits"] == EDIT_KINDS
    assert read_payload(widget._drawn_grid(has_menu=False))[0]["edits"] == []


def test_the_untouched_run_can_be_shown_beside_edits(widget: Any) -> None:
    before, view = widget.run, widget._view
    widget.edits = EDITS
    assert widget._view != view
    widget.untouched = True
    assert widget.run is before and widget.edits == EDITS
    widget.edits = []
    assert not widget.untouched


def test_a_click_makes_an_edit_as_code_does(widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for edit in EDITS:
        sent_by(widget, {"edit": edit}, monkeypatch)
    clicked = widget.run.patterns
    assert widget.edits == EDITS
    sent_by(widget, {"clear": True}, monkeypatch)
    assert widget.edits == []
    sent_by(widget, {"undo": True}, monkeypatch)
    assert torch.equal(widget.run.patterns, clicked)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("head", (7, 0), "L7H0 was asked for; heads 0 to 1 are in the layers 0, 1, 2"),
        ("row", -1, r"row -1 was asked for; this prompt has rows 0 to \d+"),
        ("edits", [{"kind": "melt", "layer": 0}], "unknown kind of intervention 'melt'"),
        ("edits", [{"kind": "zero", "layer": 9}], "intervention on layer 9; this run has layer 0 to 2"),
        ("edits", [{"kind": "scale", "layer": 0}], "scale needs a value"),
        ("edits", [7], "an intervention is an object with the fields"),
        ("edits", "zero", "got 'zero'"),
    ],
)
def test_what_the_run_does_not_have_is_refused_and_changes_nothing(
    name: str, value: object, sentence: str, widget: Any
) -> None:
    widget.edits = EDITS
    before = (widget.head, widget.row, widget.edits, widget._view)
    with pytest.raises(traitlets.TraitError, match=sentence):
        setattr(widget, name, value)
    assert (widget.head, widget.row, widget.edits, widget._view) == before


def test_a_refused_click_is_answered_in_a_sentence(widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent_by(widget, {"edit": {"kind": "zero", "layer": 0, "query": 999}}, monkeypatch)
    last = len(widget.run.tokens) - 1
    refusal = f"Nothing was changed: intervention on query 999; this run has query 0 to {last}."
    assert widget._said["refusal"] == refusal and widget.edits == []


@pytest.mark.parametrize("kind", ["row", "column"])
def test_a_line_that_is_asked_for_is_the_pattern_s_own(
    kind: str, long_widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"run": long_widget._key, "name": "", "part": {"kind": kind, "index": 300}}
    [(content, [buffer])] = sent_by(long_widget, {"ask": question}, monkeypatch)
    header, arrays = read_payload(buffer)
    run, own = long_widget.run, slice(300, 301)
    row = run.weights(1, 1, own).where(run.visible_of(1, own), torch.nan)[0]
    column = run.weights(1, 1).where(run.visible_of(1), torch.nan)[:, 300]
    assert content == {"answer": question} and header["lines"] == [{"kind": kind, "index": 300}]
    np.testing.assert_array_equal(arrays["lines"], (row if kind == "row" else column).numpy())


def test_a_window_that_is_asked_for_is_exact(long_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    part = {"kind": "tile", "top": 200, "left": 150, "size": 100}
    [(_, [buffer])] = sent_by(long_widget, {"ask": {"part": part}}, monkeypatch)
    _, arrays = read_payload(buffer)
    cells = whole_of(arrays, "weights", np.nan)
    window = (slice(200, 300), slice(150, 250))
    expected = long_widget.run.weights(1, 1).where(long_widget.run.visible_of(1), torch.nan)[window]
    np.testing.assert_array_equal(cells, expected.numpy())


def test_an_answer_says_of_which_run_it_is(long_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser drops rows of a run that is not shown any more."""
    question = {"ask": {"part": {"kind": "row", "index": 3}}}
    names = []
    for edits in ([], EDITS[:1], EDITS):
        long_widget.edits = edits
        [(_, [buffer])] = sent_by(long_widget, question, monkeypatch)
        names.append(read_payload(buffer)[0]["name"])
        assert names[-1] == read_payload(long_widget._view)[0]["name"]
    assert len(set(names)) == 3


def test_edges_are_computed_when_they_are_wanted(widget: Any) -> None:
    assert widget._edges == {}
    widget.edges = True
    query, key, weight, *_ = widget._edges["edges"][-1]
    pattern = widget.run.weights(*widget.head)
    assert abs(weight) == pytest.approx(float(pattern.abs().max()), abs=1e-5)
    assert weight == pytest.approx(float(pattern[query, key]), abs=1e-5)
    widget.row = 2
    assert widget._edges["row"] == 2 and {key for query, key, *_ in widget._edges["edges"] if query == 2} == {0, 1, 2}


def test_an_image_is_shown_with_its_patches() -> None:
    model = tiny_vit()
    widget = show(hooked(model), image_prompt(random_images(1)[0], model.config))
    header, arrays = read_payload(widget._view)
    assert header["grid"] and arrays["picture"].size
    widget.edits = [{"kind": "flip", "layer": 0}]
    assert "class" in widget.change


def test_a_page_of_24_heads_and_256_tokens_is_small(tmp_path: Path) -> None:
    ids = tuple(range(3, 259))
    widget = show(load("cog"), PromptTokens(ids, tuple(f"token {at}" for at in ids)))
    widget.save_html(tmp_path / "view.html")
    heads = len(widget._facts.head_layers) * widget.run.n_heads
    assert heads == 24 and (tmp_path / "view.html").stat().st_size < MOST_BYTES
    assert [place.name for place in tmp_path.iterdir()] == ["view.html"]


def test_the_weights_of_a_page_are_within_its_steps(widget: Any) -> None:
    pattern, seen = widget.run.weights(1, 0).numpy(), widget.run.visible_of(1).numpy()
    peak = float(np.abs(pattern).max())
    root = signed_code(pattern, seen, peak, np.int16) / 32767
    assert np.abs(np.sign(root) * root**2 * peak - pattern)[seen].max() < 3.1e-5 * peak


def test_a_page_that_cannot_be_is_refused(widget: Any, long_widget: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        widget.save_html(tmp_path / "none" / "view.html")
    with pytest.raises(ValueError, match=r"at most 256 tokens, and there are \d+: show fewer"):
        long_widget.save_html(tmp_path / "view.html")
    assert list(tmp_path.iterdir()) == []


def test_without_anywidget_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "headscope.app.widget.head_widget", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ModuleNotFoundError, match="anywidget, which is not installed: pip install anywidget"):
        show(hooked_tiny("cog"), CORPUS[0])


def test_the_package_s_face_imports_neither_torch_nor_the_widget() -> None:
    heavy = "[name for name in ('torch', 'anywidget', 'streamlit', 'ipywidgets') if name in sys.modules]"
    script = f"import sys, headscope; print({heavy}); headscope.show; print('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\nFalse\n"


def test_a_plain_model_is_refused() -> None:
    with pytest.raises(TypeError, match="show takes a hooked model"):
        show(tiny_model("cog"), CORPUS[0])

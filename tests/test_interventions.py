"""Interventions: what an edit of attention weights may touch, how it is stored, and what it changes downstream."""

import json
import math
from functools import cache
from typing import Any

import pytest
import torch
from hooked_logits import logits_of
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import hooked_tiny
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div
from torch.testing import assert_close

from headscope.interp.figures.interventions import predictions_figure
from headscope.interp.interventions.divergence import divergence
from headscope.interp.interventions.effect import InterventionEffect, effect, intervene
from headscope.interp.interventions.in_words import edit_in_words
from headscope.interp.interventions.intervention import KINDS, SIGNED, VALUED, Intervention, edited_pattern
from headscope.interp.interventions.touched_run import editing_hooks
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.attention.table import VARIANTS

IDS = (5, 17, 9, 5, 88, 17, 5, 120, 64)
TOKENS = PromptTokens(IDS, tuple(f"<t{i}>" for i in IDS))
VISIBLE = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril()
every_kind = pytest.mark.parametrize("kind", KINDS)


def pattern() -> Tensor:
    return torch.randn(1, 2, 6, 6).tril()


def of(kind: str, layer: int = 1, **place: int) -> Intervention:
    return Intervention(kind, layer, value=0.7 if kind in VALUED else None, **place)


@cache
def model(variant: str = "cog") -> Any:
    return hooked_tiny(variant)


def touched(*interventions: Intervention, variant: str = "cog") -> InterventionEffect:
    return intervene(model(variant), TOKENS, interventions, target=7, distractor=11)


def hook_of(name: str, interventions: list[Intervention]) -> Tensor:
    """What one hook of layer 1 held under interventions."""
    held: list[Tensor] = []
    hooks = [*editing_hooks(interventions), (f"blocks.1.attn.{name}", lambda value, hook: held.append(value.clone()))]
    logits_of(model(), IDS, hooks)
    return held[0]


def unchanged(found: InterventionEffect) -> bool:
    changes = [found.kl, found.loss_change[:-1], found.target_change, found.distractor_change, found.changed]
    return all(not bool(one.any()) for one in changes if one is not None)


@every_kind
def test_masked_cells_stay_zero(kind: str) -> None:
    assert (edited_pattern(pattern(), VISIBLE, of(kind))[~VISIBLE.expand(1, 2, 6, 6)] == 0).all()


@every_kind
@pytest.mark.parametrize("place", [{"head": 1, "query": 4, "key": 2}, {"head": 1, "query": 4}, {"head": 1}, {}])
def test_an_edit_reaches_its_cells_and_no_other(kind: str, place: dict[str, int]) -> None:
    old = pattern()
    inside = torch.zeros_like(old, dtype=torch.bool)
    inside[:, place.get("head", slice(None)), place.get("query", slice(None)), place.get("key", slice(None))] = True
    inside &= VISIBLE
    new = edited_pattern(old, VISIBLE, of(kind, **place))
    assert_close(new[~inside], old[~inside], atol=0, rtol=0)
    assert_close(new[inside], KINDS[kind](old[inside], 0.7), atol=0, rtol=0)


def test_positive_and_negative_parts_add_up_to_the_pattern() -> None:
    old = pattern()
    assert_close(
        edited_pattern(old, VISIBLE, of("keep_positive")) + edited_pattern(old, VISIBLE, of("keep_negative")), old
    )


def test_an_edit_leaves_what_it_was_given() -> None:
    old = pattern()
    kept = old.clone()
    edited_pattern(old, VISIBLE, of("zero"))
    assert_close(old, kept)


@every_kind
def test_an_intervention_comes_back_from_json(kind: str) -> None:
    one = of(kind, head=0, query=3)
    stored = json.loads(json.dumps(one.to_json()))
    assert Intervention.from_json(stored) == one and "key" not in stored


@pytest.mark.parametrize(
    ("stored", "refusal"),
    [
        (
            {"kind": "zero", "layer": 0, "heads": 1},
            "unknown field 'heads'; known: kind, layer, head, query, key, value",
        ),
        ({"kind": "zero"}, "the field layer is missing"),
        ({"layer": 1}, "the field kind is missing"),
        ({"kind": "double", "layer": 0}, "unknown kind of intervention 'double'; known: keep_positive"),
        ({"kind": ["zero"], "layer": 0}, "unknown kind of intervention"),
        ({"kind": "zero", "layer": None}, "layer is a number from 0, got None"),
        ({"kind": "zero", "layer": -1}, "layer is a number from 0, got -1"),
        ({"kind": "zero", "layer": 0, "head": True}, "head is a number from 0, got True"),
        ({"kind": "zero", "layer": 0, "key": 1.5}, "key is a number from 0, got 1.5"),
        ({"kind": "scale", "layer": 0}, "scale needs a value"),
        ({"kind": "flip", "layer": 0, "value": 2.0}, "flip takes no value, got 2.0"),
        ({"kind": "set", "layer": 0, "value": float("nan")}, "value is a finite number, got nan"),
        ({"kind": "set", "layer": 0, "value": "1"}, "value is a finite number, got '1'"),
        ({"kind": "set", "layer": 0, "value": 10**400}, "value is a finite number, got a whole number of 1329 bits"),
        ({"kind": "scale", "layer": 0, "value": 1e308}, r"got 1e\+308; float32 ends at 3.4e\+38"),
        ({"kind": "zero", "layer": 2**63}, "layer is a number from 0, got a whole number of 64 bits"),
        ([], "an intervention is an object with the fields kind, layer"),
    ],
)
def test_a_wrong_record_is_refused_by_name(stored: Any, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        Intervention.from_json(stored)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "interventions",
    [[], [Intervention("scale", 1, value=1.0)], [of("flip"), of("flip")]],
    ids=["none", "by one", "twice"],
)
def test_what_touches_nothing_changes_nothing(variant: str, interventions: list[Intervention]) -> None:
    assert unchanged(touched(*interventions, variant=variant))


@pytest.mark.parametrize("kind", ["keep_positive", "absolute"])
def test_softmax_has_no_negative_weights_to_lose(kind: str) -> None:
    assert unchanged(touched(of(kind), variant="softmax")) and not unchanged(touched(of(kind)))


def test_outputs_of_positive_and_negative_weights_add_up_to_the_heads_output() -> None:
    kept = [hook_of("hook_z", [of(kind, head=1)])[:, :, 1] for kind in ("keep_positive", "keep_negative")]
    assert_close(sum(kept), hook_of("hook_z", [])[:, :, 1], atol=1e-5, rtol=1e-5)


def test_order_matters_and_is_kept() -> None:
    flip, keep = of("flip"), of("keep_positive")
    untouched = hook_of("hook_pattern", [])
    assert_close(hook_of("hook_pattern", [flip, keep]), (-untouched).clamp(min=0))
    assert_close(hook_of("hook_pattern", [keep, flip]), -untouched.clamp(min=0))
    assert [one["kind"] for one in touched(keep, flip).interventions] == ["keep_positive", "flip"]


def test_a_set_layer_does_not_see_the_future() -> None:
    held = hook_of("hook_pattern", [Intervention("set", 1, value=0.25)])
    assert_close(held, torch.full_like(held, 0.25).tril())


def test_several_layers_are_edited_at_once() -> None:
    def nothing(value: Tensor, hook: object) -> Tensor:
        return torch.zeros_like(value)

    by_hand = logits_of(model(), IDS, [(f"blocks.{layer}.attn.hook_z", nothing) for layer in (0, 2)])
    assert_close(logits_of(model(), IDS, editing_hooks([of("zero", 2), of("zero", 0)])), by_hand)


def test_changes_are_those_between_the_two_runs() -> None:
    one = of("zero", head=0)
    before, after = logits_of(model(), IDS), logits_of(model(), IDS, editing_hooks([one]))
    found, ids = touched(one), torch.tensor(IDS)
    assert found.target_change is not None and found.distractor_change is not None
    assert_close(found.target_change, (after - before)[:, 7])
    assert_close(found.distractor_change, (after - before)[:, 11])
    loss = [cross_entropy(logits[3], ids[4]) for logits in (before, after)]
    assert_close(found.loss_change[3], loss[1] - loss[0])
    assert found.loss_change[-1].isnan()
    assert_close(found.before_ids[:, 0], before.argmax(-1))
    assert_close(found.after_probability[:, 0], after.softmax(-1).amax(-1))
    assert_close(found.changed, before.argmax(-1) != after.argmax(-1))


def test_an_edit_does_not_reach_back_in_the_prompt() -> None:
    found = touched(of("zero", query=5))
    assert (found.kl[:5] == 0).all() and (found.kl[5:] > 0).any()


def test_divergence_is_torchs() -> None:
    before, after = torch.randn(2, 4, 9)
    expected = kl_div(after.log_softmax(-1), before.log_softmax(-1), reduction="none", log_target=True).sum(-1)
    assert_close(divergence(before, after), expected)


def test_the_hooks_are_gone_afterwards() -> None:
    before = logits_of(model(), IDS)
    touched(of("zero"))
    assert_close(logits_of(model(), IDS), before, atol=0, rtol=0)


@every_kind
def test_edits_that_tell_signs_apart_depend_on_the_gauge_of_odd_kernels(kind: str) -> None:
    assert ("odd" in touched(of(kind)).about.by_gauge) is (kind in (*SIGNED, "set"))
    assert "odd" not in touched(of(kind), variant="expressive").about.by_gauge


@every_kind
def test_the_flip_of_a_head_changes_what_says_so_and_nothing_else(kind: str) -> None:
    one, mirrored = touched(of(kind, head=1)), hooked_tiny("cog")
    attention = mirrored.original_model.model.layers[1].self_attn
    with torch.no_grad():
        for linear in (attention.q_proj, attention.v_proj):
            getattr(linear, "original_component", linear).weight[16:32] *= -1
    other = intervene(mirrored, TOKENS, [of(kind, head=1)], target=7, distractor=11)
    assert torch.allclose(other.kl, one.kl, atol=1e-5) is (kind not in (*SIGNED, "set"))


@pytest.mark.parametrize(
    ("place", "refusal"),
    [
        ({"layer": 3}, "layer 3; this run has layer 0 to 2"),
        ({"head": 2}, "head 2; this run has head 0 to 1"),
        ({"query": 9}, "query 9; this run has query 0 to 8"),
        ({"key": 9}, "key 9; this run has key 0 to 8"),
    ],
)
def test_what_the_run_does_not_have_is_refused(place: dict[str, int], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        touched(of("zero", **place))


def test_a_target_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="token id 300 was asked for; ids run from 0 to 299"):
        intervene(model(), TOKENS, [], target=300)


def test_an_effect_is_stored_as_plain_values() -> None:
    said = json.loads(json.dumps(touched(of("zero")).to_json(), allow_nan=False))
    assert said["facts"]["interventions"] == [{"kind": "zero", "layer": 1}]
    assert said["fields"]["loss_change"]["values"][-1] is None


def test_one_token_has_an_effect_without_a_loss() -> None:
    found = intervene(model(), PromptTokens((5,), ("a",)), [of("flip")])
    assert found.loss_change.isnan().all() and found.target_change is None and found.figure().data


def test_the_figure_marks_where_the_likeliest_token_changed() -> None:
    found = touched(of("zero"), of("zero", 0))
    figure: Any = found.figure()
    stays, another, *lines = figure.data
    assert (stays.name, another.name) == ("KL, likeliest token stays", "KL, another token is likeliest")
    assert another.x.tolist() == found.changed.nonzero().flatten().tolist()
    assert stays.y.tolist() == found.kl[~found.changed].tolist() and stays.marker.color != another.marker.color
    assert [one.name for one in lines] == ["Δ loss", "Δ logit of the target", "Δ logit of the distractor"]
    assert figure.layout.xaxis.labelalias["1"] == "&lt;t17&gt; at 1" and figure.layout.barmode == "overlay"


def test_predictions_stand_side_by_side() -> None:
    found = effect(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([0]))
    figure: Any = predictions_figure(found)
    before, after = figure.data
    assert before.y.tolist() == [0, 1, 2] and after.y.tolist() == [2, 1, 0]
    assert (before.marker.pattern.shape, after.marker.pattern.shape) == (None, "/")
    assert before.x[0] == after.x[0] == found.before_probability[0, 0]


NUMBERS = st.sampled_from(
    [0, 1, 2, -1, 8, 9, 10**400, 2**63, 2**63 - 1, 1e308, 3e38, -1e20, 0.5, 1.0, True, math.nan, None]
)
ODD = st.one_of(NUMBERS, NUMBERS, st.text(max_size=3), st.lists(NUMBERS, max_size=2))
EDITS = st.fixed_dictionaries(
    {"kind": st.one_of(st.sampled_from(list(KINDS)), ODD), "layer": st.one_of(st.integers(0, 2), ODD)},
    optional=dict.fromkeys(("head", "query", "key", "value", "colour"), ODD),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(EDITS, EDITS, EDITS, ODD), max_size=3))
def test_any_list_of_edits_has_a_finite_effect_or_is_refused_in_a_sentence(stored: list[Any]) -> None:
    try:
        found = intervene(model(), TOKENS, [Intervention.from_json(one) for one in json.loads(json.dumps(stored))])
    except ValueError as refusal:
        assert 10 < len(str(refusal)) < 300
    else:
        assert found.kl.isfinite().all()


def test_edits_that_overflow_together_are_refused() -> None:
    with pytest.raises(ValueError, match="the logits are no finite numbers"):
        touched(*[Intervention("scale", 1, value=1e30)] * 3)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Intervention("flip", 2, 3), "flip the whole head L2H3"),
        (Intervention("set", 2, 3, 5, 1, 0.5), "set row 5 and key 1 of L2H3 to 0.5"),
        (Intervention("scale", 2, value=2.0), "scale all heads of layer 2 by 2"),
    ],
)
def test_an_edit_is_said_in_words(edit: Intervention, words: str) -> None:
    assert edit_in_words(edit) == words

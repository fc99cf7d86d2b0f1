"""Sweeps of interventions: many heads in one pass say what each says alone, and what a change of gauge may touch."""

from functools import cache
from typing import Any

import pytest
import torch
from hooked_logits import logits_of
from layer_calls import counted_tokens
from tiny_decoders import attached
from tiny_models import hooked_tiny, tiny_model
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.interventions.divergence import divergence
from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.intervention import SIGNED, VALUED, VALUELESS, Intervention
from headscope.interp.interventions.sweep import MEASURES, NULL_SAMPLES, InterventionSweep, sweep
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.nulls import shuffled_signs
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

IDS = (5, 17, 9, 5, 88, 17, 5, 30, 64)
TOKENS = PromptTokens(IDS, tuple(map(str, IDS)))
CLOSE: Any = {"atol": 1e-5, "rtol": 1e-3}


@cache
def model(variant: str = "cog") -> Any:
    return hooked_tiny(variant)


@cache
def swept(variant: str = "cog") -> InterventionSweep:
    return sweep(model(variant), TOKENS)


def of(kind: str) -> int:
    return swept().labels["kind"].index(kind)


def test_kinds_without_a_value_are_swept() -> None:
    assert swept().labels["kind"] == VALUELESS == ("keep_positive", "keep_negative", "absolute", "flip", "zero")
    assert not set(VALUELESS) & set(VALUED)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_sweep_says_of_every_head_what_intervening_on_it_alone_says(variant: str) -> None:
    found = swept(variant)
    for index, kind in enumerate(VALUELESS):
        for layer, head in ((0, 1), (2, 0)):
            alone = intervene(model(variant), TOKENS, [Intervention(kind, layer, head)])
            at = (index, layer, head)
            assert_close(found.kl[at], alone.kl.mean(), **CLOSE)
            assert_close(found.loss_change[at], alone.loss_change[:-1].mean(), **CLOSE)
            assert_close(found.changed[at], alone.changed.float().mean())
    assert (found.kl[of("zero")] > 1e-4).all()


@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_other_families_are_swept_too(family: str) -> None:
    one = hooked(attached(family, "cog"))
    found = sweep(one, TOKENS, ("flip", "keep_positive"))
    assert found.kl.shape == (2, 3, 4)
    alone = intervene(one, TOKENS, [Intervention("keep_positive", 1, 2)])
    assert_close(found.kl[1, 1, 2], alone.kl.mean(), **CLOSE)


def test_batches_change_nothing_and_are_watched() -> None:
    seen: list[tuple[int, int]] = []
    alone = sweep(model(), TOKENS, batch_size=1, watch=lambda done, total: seen.append((done, total)))
    for name, value in swept().tensors().items():
        assert_close(alone.tensors()[name], value, **CLOSE, msg=name)
    assert seen == sorted(seen) and {*seen} == {(done, 3 * 2) for done in range(3 * 2 + 1)}


@pytest.mark.parametrize(("variant", "edits"), [("cog", len(VALUELESS) + NULL_SAMPLES), ("softmax", 2)])
def test_an_edit_runs_the_layers_from_its_own_on_and_none_that_does_nothing_or_what_another_does_is_run(
    variant: str, edits: int
) -> None:
    """Of softmax flip and zero are left; beside the edits the untouched run, two small ones, and each layer again."""
    small, layers = 3 * 4 * (1 + 3), 3
    with counted_tokens(model(variant)) as counts:
        sweep(model(variant), TOKENS)
    own = [2 * edits * (layer + 1) * len(IDS) for layer in range(layers)]
    assert sum(counts) == sum(own) + 2 * layers * len(IDS) + small


def test_weights_without_a_sign_have_none_to_lose() -> None:
    found = swept("softmax")
    for kind in ("keep_positive", "absolute"):
        assert (found.kl[of(kind)] < 1e-6).all() and (found.changed[of(kind)] == 0).all()
    assert_close(found.kl[of("keep_negative")], found.kl[of("zero")], **CLOSE)
    assert (found.kl_null.abs() < 1e-6).all() and (found.loss_change_null.abs() < 1e-5).all()


def test_the_null_is_of_signs_dealt_anew_in_each_row() -> None:
    before, dice = logits_of(model(), IDS), torch.Generator().manual_seed(0)
    found = torch.empty(NULL_SAMPLES, 3, 2)
    for layer, head, sample in torch.cartesian_prod(*map(torch.arange, (3, 2, NULL_SAMPLES))).tolist():

        def deal(pattern: Tensor, hook: object, head: int = head) -> Tensor:
            pattern[:, head] = shuffled_signs(pattern[:, head], dice)
            return pattern

        after = logits_of(model(), IDS, [(f"blocks.{layer}.attn.hook_pattern", deal)])
        found[sample, layer, head] = divergence(before, after).mean()
    for index in range(len(VALUELESS)):
        assert_close(swept().kl_null[index], found.mean(0), **CLOSE)
        assert_close(swept().kl_null_spread[index], found.std(0, correction=0), **CLOSE)
    assert (found > 1e-5).all()


def test_the_flip_of_a_head_changes_the_kinds_that_tell_signs_apart_and_no_other_number() -> None:
    plain: Any = tiny_model("cog")
    with torch.no_grad():
        for linear in (plain.model.layers[1].self_attn.q_proj, plain.model.layers[1].self_attn.v_proj):
            linear.weight[16:32] *= -1
    flipped, elsewhere = sweep(hooked(plain), TOKENS), torch.ones(3, 2, dtype=torch.bool)
    elsewhere[1, 1] = False
    for name, value in swept().tensors().items():
        found = flipped.tensors()[name]
        assert_close(found[:, elsewhere], value[:, elsewhere], **CLOSE, msg=name)
        for kind in VALUELESS:
            if name == "kl" and kind in SIGNED:
                assert not torch.allclose(found[of(kind), 1, 1], value[of(kind), 1, 1], **CLOSE)
            if "null" in name or kind not in SIGNED:
                assert_close(found[of(kind), 1, 1], value[of(kind), 1, 1], **CLOSE, msg=name)


def test_the_gauge_is_named_where_a_kernel_is_odd_and_a_kind_tells_signs_apart() -> None:
    assert swept().about.gauge_dependent == MEASURES
    assert sweep(model(), TOKENS, ("flip", "zero")).about.gauge_dependent == ()
    assert swept("expressive").about.gauge_dependent == ()


def test_one_token_has_no_known_next_token() -> None:
    found = sweep(model(), PromptTokens((5,), ("a",)), ("flip", "zero"))
    assert found.loss_change.isnan().all() and found.kl.isfinite().all() and found.figure().data


def test_the_hooks_are_gone_afterwards() -> None:
    before = logits_of(model(), IDS)
    sweep(model(), TOKENS, ("zero",))
    assert_close(logits_of(model(), IDS), before, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("kinds", "refusal"),
    [
        ((), "no kind of intervention was asked for; a sweep knows: keep_positive"),
        (("flip", "scale"), "a sweep of 'scale' was asked for; it knows: keep_positive"),
        (("double",), "a sweep of 'double' was asked for"),
    ],
)
def test_kinds_that_no_sweep_knows_are_refused(kinds: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        sweep(model(), TOKENS, kinds)


def test_the_menu_has_every_kind_of_every_measure_with_its_gauge() -> None:
    figure: Any = swept().figure()
    names = [button.label for button in figure.layout.updatemenus[0].buttons]
    assert len(names) == len(figure.data) == 15
    assert names[0] == "keep_positive: Δ loss (gauge-dependent)" and names[3] == "flip: Δ loss"
    assert [trace.visible for trace in figure.data] == [at == VALUELESS.index("zero") for at in range(15)]
    assert_close(torch.tensor(figure.data[5 + of("flip")].z), swept().kl[of("flip")])
    null = f"{swept().loss_change_null[0, 2, 1]:.4f}"
    assert figure.data[0].hovertext[2][1].startswith(null) and "null" in figure.data[0].hovertemplate


@pytest.mark.parametrize("variant", ["cog", "softmax"])
def test_the_menu_opens_on_a_kind_that_changes_something(variant: str) -> None:
    figure: Any = swept(variant).figure()
    [shown] = [trace for trace in figure.data if trace.visible is not False]
    assert figure.layout.updatemenus[0].active == VALUELESS.index(shown.name) and abs(shown.z).max() > 1e-3

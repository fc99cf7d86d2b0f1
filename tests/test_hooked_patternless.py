"""Patternless hooked models: the same function without a query × key pattern, and no hook that is passed by."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from threading import Thread
from typing import Any

import pytest
import torch
from hooked_cases import LAYER, close, padded_batch
from largest_tensor import LargestTensor
from tiny_decoders import CONFIGS, SPECS, attached, random_ids
from tiny_models import tiny_model
from torch import Tensor
from transformers import DynamicCache

from headscope.interp.collapse.last_residuals import last_residuals
from headscope.models.hooked import hooked
from headscope.models.hooked.patternless import patternless
from headscope.models.seam.watched_calls import Call, watched_calls

WAYS = ("llama", "gpt2", "gpt_neox")  # projections of their own, and one for all three
SILENT = ("hook_attn_scores", "hook_pattern", "hook_rot_q", "hook_rot_k", "hook_result")
every_family = pytest.mark.parametrize("family", CONFIGS)
every_spec = pytest.mark.parametrize("name", SPECS)
tempered_or_not = pytest.mark.parametrize("name", ["cog", "selective"])


@cache
def bridge_of(family: str, name: str) -> Any:
    """A hooked model whose layers can do without their pattern wherever their family allows it."""
    return hooked(attached(family, name))


@pytest.fixture(params=WAYS)
def way(name: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    bridge = bridge_of(request.param, name)
    yield bridge
    bridge.reset_hooks()
    bridge.set_use_attn_result(False)


def both(bridge: Any, **given: Any) -> tuple[Tensor, Tensor]:
    """Logits with patterns and without, which the run is made sure to be."""
    with torch.no_grad():
        plain = bridge(**given)
        with patternless():
            return plain, bridge(**given)


def calls(bridge: Any, **given: Any) -> list[Call]:
    """What the layers of a patternless run told; a layer that forms its pattern tells nothing."""
    told: list[Call] = []
    with torch.no_grad(), patternless(), watched_calls(told.append):
        bridge(**given)
    return told


@every_family
@every_spec
def test_the_logits_are_the_same_also_with_padding(family: str, name: str) -> None:
    batch, bridge = padded_batch(), bridge_of(family, name)
    plain, without = both(bridge, **batch)
    real = batch["attention_mask"].bool()
    close(without[real], plain[real])
    assert len(calls(bridge, **batch)) == 3


@every_family
def test_a_prompt_without_padding_is_the_same_too(family: str) -> None:
    plain, without = both(bridge_of(family, "cog"), input=random_ids())
    close(without, plain)


@pytest.mark.parametrize("family", ["qwen3", "gemma3_text"])
def test_a_layer_that_was_switched_to_eager_attention_keeps_its_variant(family: str) -> None:
    bridge: Any = hooked(attached(family, "cog"))
    bridge.original_model.set_attn_implementation("eager")
    plain, without = both(bridge, input=random_ids())
    close(without, plain)


@tempered_or_not
@pytest.mark.parametrize(
    "hook", ["hook_in", "hook_q", "hook_k", "hook_v", "hook_z", "hook_out", "hook_cos", "hook_sin"]
)
def test_an_edit_on_the_way_does_what_it_always_does(way: Any, name: str, hook: str) -> None:
    if not hasattr(way.blocks[1].attn, hook):
        pytest.skip("a model without rotation has no hook of it")
    unedited, _ = both(way, input=(ids := random_ids()))
    way.add_hook(f"{LAYER}.{hook}", lambda activation, hook: 2 * activation.flip(-1))
    plain, without = both(way, input=ids)
    close(without, plain)
    assert len(calls(way, input=ids)) == 3 and float((plain - unedited).abs().max()) > 1e-2


@pytest.mark.parametrize("name", ["selective"])
@pytest.mark.parametrize("side", "qv")
def test_an_edited_temperature_does_what_it_always_does(way: Any, name: str, side: str) -> None:
    unedited, _ = both(way, input=(ids := random_ids()))
    way.add_hook(f"{LAYER}.hook_temperature_{side}", lambda tau, hook: 2 * tau)
    plain, without = both(way, input=ids)
    close(without, plain)
    assert len(calls(way, input=ids)) == 3 and float((plain - unedited).abs().max()) > 1e-2


@tempered_or_not
def test_what_hooks_see_on_the_way_is_the_same(way: Any, name: str) -> None:
    names = [f"{LAYER}.{hook}" for hook in ("hook_q", "hook_k", "hook_v", "hook_z", "hook_out")]
    if name == "selective":
        names += [f"{LAYER}.hook_temperature_q", f"{LAYER}.hook_temperature_v"]
    seen: dict[str, list[Tensor]] = {each: [] for each in names}
    for each in names:
        way.add_hook(each, lambda activation, hook, each=each: seen[each].append(activation.clone()))
    both(way, input=random_ids())
    assert all(len(found) == 2 for found in seen.values())
    for plain, without in seen.values():
        close(without, plain)


@tempered_or_not
@pytest.mark.parametrize("hook", SILENT)
def test_no_hook_is_passed_by(way: Any, name: str, hook: str) -> None:
    if not hasattr(way.blocks[1].attn, hook):
        pytest.skip("a model without rotation has no hook of it")
    way.set_use_attn_result(True)
    unedited, _ = both(way, input=(ids := random_ids()))
    way.add_hook(f"{LAYER}.{hook}", lambda activation, hook: 1.5 * activation)
    plain, without = both(way, input=ids)
    close(without, plain)
    assert [call.layer for call in calls(way, input=ids)] == [0, 2]
    assert float((plain - unedited).abs().max()) > 1e-2


def test_a_hook_of_a_norm_of_queries_is_not_passed_by() -> None:
    bridge = bridge_of("qwen3", "cog")
    with bridge.hooks([(f"{LAYER}.q_norm.hook_out", lambda activation, hook: 1.5 * activation)]):
        plain, without = both(bridge, input=(ids := random_ids()))
        assert [call.layer for call in calls(bridge, input=ids)] == [0, 2]
    close(without, plain)


@tempered_or_not
def test_a_cached_run_has_every_pattern(way: Any, name: str) -> None:
    with torch.no_grad(), patternless():
        _, kept = way.run_with_cache(random_ids())
    assert all(f"blocks.{layer}.attn.hook_pattern" in kept for layer in range(3))


@every_family
@pytest.mark.parametrize("name", ["cog", "selective", "selective values"])
@pytest.mark.parametrize("first", [True, False])
def test_a_cache_may_change_hands(family: str, name: str, first: bool) -> None:
    bridge, ids = bridge_of(family, name), random_ids()
    cache, parts = DynamicCache(config=bridge.original_model.config), []
    with torch.no_grad():
        for step, part in enumerate((ids[:, :9], ids[:, 9:10], ids[:, 10:])):
            with patternless() if first == (step != 1) else nullcontext():
                parts.append(bridge(part, past_key_values=cache, use_cache=True))
        close(torch.cat(parts, 1), bridge(ids))


@tempered_or_not
def test_gradients_are_the_same(way: Any, name: str) -> None:
    ids = random_ids()
    weights = [way.blocks[1].attn.q.original_component.weight, way.blocks[0].attn.v.original_component.weight]
    plain = torch.autograd.grad(way(ids).logsumexp(-1).sum(), weights)
    with patternless():
        without = torch.autograd.grad(way(ids).logsumexp(-1).sum(), weights)
    torch.testing.assert_close(without, plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", WAYS)
@pytest.mark.parametrize("name", ["softmax", "cog"])
def test_in_training_as_many_weights_are_dropped(family: str, name: str) -> None:
    rate = {"gpt2": "attn_pdrop"}.get(family, "attention_dropout")
    bridge: Any = hooked(attached(family, name, **{rate: 0.5})).train()

    def drawn(seed: int, around: AbstractContextManager[None]) -> Tensor:
        torch.manual_seed(seed)
        with torch.no_grad(), around:
            return bridge(torch.arange(3, 15)[None])

    plain, other = (drawn(seed, nullcontext()) for seed in (0, 1))
    close(drawn(0, patternless()), plain)
    assert plain.equal(other) == (family == "gpt_neox")  # of which transformer-lens drops none


@pytest.mark.parametrize("name", ["softmax", "cog", "selective"])
def test_processed_weights_are_the_same_too(name: str) -> None:
    bridge: Any = hooked(attached("llama", name))
    bridge.enable_compatibility_mode(disable_warnings=True)
    batch = padded_batch()
    plain, without = both(bridge, **batch)
    real = batch["attention_mask"].bool()
    close(without[real], plain[real], atol=1e-3)


@tempered_or_not
def test_half_precision_differs_by_its_rounding(name: str) -> None:
    bridge: Any = hooked(attached("llama", name).bfloat16())
    plain, without = both(bridge, input=random_ids())
    assert without.dtype == torch.bfloat16
    torch.testing.assert_close(without, plain, rtol=0, atol=float(plain.abs().max()) * 0.05)


@pytest.mark.parametrize("name", ["cog"])
def test_another_thread_and_the_time_after_keep_their_patterns(way: Any, name: str) -> None:
    told: list[Call] = []

    def elsewhere() -> None:
        with torch.no_grad(), watched_calls(told.append):
            way(random_ids())

    with patternless():
        thread = Thread(target=elsewhere)
        thread.start()
        thread.join()
    elsewhere()
    with pytest.raises(RuntimeError), patternless():
        raise RuntimeError
    elsewhere()
    assert told == []


@pytest.mark.parametrize("variant", ["softmax", "cog", "expressive", "selective", "polynomial"])
def test_no_tensor_has_as_many_entries_as_a_pattern(variant: str) -> None:
    n = 1024
    bridge: Any = hooked(tiny_model(variant, context=n))
    ids = torch.randint(3, 300, (1, n))
    with torch.no_grad(), patternless(), LargestTensor() as without:
        bridge(ids, logits_to_keep=1)
    with torch.no_grad(), LargestTensor() as plain:
        bridge(ids, logits_to_keep=1)
    assert without.elements < n * n <= plain.elements


def test_last_residuals_are_found_without_a_pattern() -> None:
    n = 1024
    bridge, ids = hooked(tiny_model("cog", context=n)), torch.randint(3, 300, (n,))
    with LargestTensor() as seen:
        found = last_residuals(bridge, [tuple(ids.tolist())])
    assert seen.elements < n * n
    with torch.no_grad():
        _, kept = bridge.run_with_cache(ids[None], names_filter=lambda name: name.endswith("hook_resid_post"))
    close(found[0, :-1], torch.cat([kept[f"blocks.{layer}.hook_resid_post"][:, -1] for layer in range(3)]), atol=1e-3)

"""A hooked model keeps nothing of a run, and threads that share one do not see each other's."""

import copy
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from hooked_cases import LAYER, case
from tiny_decoders import CONFIGS, attached, random_ids
from torch import Tensor, nn

from headscope.models.hooked import HookedBridge, hooked
from headscope.models.hooked import turns as turns_module

every_family = pytest.mark.parametrize("family", CONFIGS)
PATTERN = f"{LAYER}.hook_pattern"


def tensors_on(model: nn.Module) -> dict[str, Tensor]:
    """Every tensor that hangs on a module, in a container or not, other than parameters and buffers."""
    own = {id(tensor) for tensor in (*nn.Module.parameters(model), *model.buffers())}
    held = {}
    for place, module in model.named_modules():
        for name, value in vars(module).items():
            parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            here = [part for part in parts if isinstance(part, Tensor) and id(part) not in own]
            held |= {f"{place}.{name}.{number}": part for number, part in enumerate(here)}
    return held


@every_family
@pytest.mark.parametrize("name", ["softmax", "selective"])
def test_no_tensor_of_a_run_is_left_on_a_module(family: str, name: str) -> None:
    bridge, ids = hooked(attached(family, name)), random_ids()
    before = tensors_on(bridge).keys()
    with torch.no_grad():
        bridge(ids)
        bridge.run_with_cache(ids)
        bridge(ids[:, :6], stop_at_layer=2)
        bridge.generate(ids[:1], max_new_tokens=2, stop_at_eos=False, verbose=False, return_type="tokens")
    assert tensors_on(bridge).keys() == before


@every_family
def test_a_hooked_model_is_copied_after_a_gradient(family: str) -> None:
    bridge, ids = hooked(attached(family, "cog")), random_ids()
    bridge(ids).sum().backward()
    twin = copy.deepcopy(bridge)
    assert torch.equal(twin(ids), bridge(ids)) and twin.turns is not bridge.turns


def test_threads_that_share_a_model_get_their_own_captures() -> None:
    bridge: Any = case("gpt2", "selective").bridge
    prompts = [random_ids(1, 4 + number) for number in range(6)] * 5
    with torch.no_grad():
        expected = [bridge.run_with_cache(ids)[1][PATTERN] for ids in prompts]

    def captured(number: int) -> Tensor:
        ids, kept = prompts[number], list[Tensor]()
        keep = [(PATTERN, lambda pattern, hook: kept.append(pattern))]
        if number % 3 == 0:
            return bridge.run_with_cache(ids)[1][PATTERN]
        if number % 3 == 1:
            bridge.run_with_hooks(ids, fwd_hooks=keep)
        else:
            with bridge.hooks(keep):
                bridge(ids)
        [pattern] = kept
        return pattern

    with ThreadPoolExecutor(4) as threads:
        patterns = list(threads.map(torch.no_grad()(captured), range(len(prompts))))
    wrong = [number for number, pattern in enumerate(patterns) if not torch.equal(pattern, expected[number])]
    assert wrong == []


@torch.no_grad()
def run_in_a_thread(bridge: HookedBridge, ids: Tensor) -> tuple[threading.Thread, list[Tensor]]:
    logits = list[Tensor]()
    thread = threading.Thread(target=lambda: logits.append(bridge(ids).detach()))
    thread.start()
    return thread, logits


def test_a_plain_run_does_not_see_the_hooks_of_another_thread() -> None:
    bridge, ids = case("llama", "cog").bridge, random_ids()
    plain = bridge(ids)
    with bridge.hooks([(PATTERN, lambda pattern, hook: 0 * pattern)]):
        thread, logits = run_in_a_thread(bridge, ids)
        time.sleep(0.1)
        assert logits == [] and not torch.equal(bridge(ids), plain)
    thread.join()
    assert torch.equal(logits[0], plain)


def test_a_thread_that_waits_long_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "PATIENCE_S", 0.05)
    bridge, ids = case("llama", "cog").bridge, random_ids()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with bridge.hooks([]):
            thread, logits = run_in_a_thread(bridge, ids)
            time.sleep(0.3)
        thread.join()
    assert any("has waited 0.05 s for another one that runs the same hooked model" in str(w.message) for w in told)
    assert len(logits) == 1


def test_a_hook_may_run_the_model_itself() -> None:
    bridge, ids, kept = hooked(attached("llama", "cog")), random_ids(), list[Tensor]()

    def run_again(pattern: Tensor, hook: Any) -> None:
        if not kept:
            kept.append(torch.zeros(()))
            kept.append(bridge(ids[:, :5]))

    with torch.no_grad():
        bridge.run_with_hooks(ids, fwd_hooks=[(PATTERN, run_again)])
    assert kept[1].shape[1] == 5

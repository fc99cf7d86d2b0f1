"""Path patching, against forward passes that are computed apart."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from layer_calls import counted_tokens
from tiny_models import hooked_tiny, tiny_model
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.interventions import path_patching as path_patching_module
from headscope.interp.interventions import untouched_run
from headscope.interp.interventions.held_heads import held_heads
from headscope.interp.interventions.path_patching import SAMPLES, PathPatching, path_patching
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

CLEAN = ((5, 17, 9, 5, 88, 17, 64), (7, 21, 9, 7, 88, 21, 64))
CORRUPT = ((33, 40, 9, 51, 88, 40, 64), (12, 45, 9, 61, 88, 45, 64))
TARGET, DISTRACTOR = (17, 21), (5, 7)


def prompts(ids: tuple[tuple[int, ...], ...]) -> list[PromptTokens]:
    return [PromptTokens(one, tuple(map(str, one))) for one in ids]


def pairs(corrupt: tuple[tuple[int, ...], ...], distractor: tuple[int, int] = DISTRACTOR) -> list[PromptPair]:
    return [PromptPair(*one) for one in zip(prompts(CLEAN), prompts(corrupt), TARGET, distractor, strict=True)]


@cache
def model(variant: str = "cog") -> Any:
    return hooked_tiny(variant)


@cache
def patched(variant: str = "cog") -> PathPatching:
    return path_patching(model(variant), pairs(CORRUPT))


def mixed(plain: Any, ids: Tensor) -> list[Tensor]:
    """What the heads of each layer of a plain decoder hand to its output projection."""
    held: list[Tensor] = []
    handles = [
        layer.self_attn.o_proj.register_forward_pre_hook(lambda module, given: held.append(given[0].clone()))
        for layer in plain.model.layers
    ]
    plain(ids)
    for handle in handles:
        handle.remove()
    return held


def logit_difference(plain: Any, ids: Tensor, z: list[Tensor]) -> Tensor:
    """The decoder with its heads' outputs given, layer by layer, its MLPs and norms live."""
    x = plain.model.embed_tokens(ids)
    for layer, given in zip(plain.model.layers, z, strict=True):
        x = x + layer.self_attn.o_proj(given)
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    logits = plain.lm_head(plain.model.norm(x))[:, -1]
    rows = torch.arange(len(ids))
    return logits[rows, torch.tensor(TARGET)] - logits[rows, torch.tensor(DISTRACTOR)]


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_a_patched_path_is_that_of_a_forward_computed_apart(variant: str) -> None:
    plain: Any = tiny_model(variant)
    clean, corrupt = torch.tensor(CLEAN), torch.tensor(CORRUPT)
    z, other = mixed(plain, clean), mixed(plain, corrupt)
    before = logit_difference(plain, clean, z)
    expected = torch.empty(3, 2)
    for layer in range(3):
        for head in range(2):
            given = [one.clone() for one in z]
            given[layer][:, -1, 16 * head : 16 * head + 16] = other[layer][:, -1, 16 * head : 16 * head + 16]
            expected[layer, head] = 100 * (logit_difference(plain, clean, given) - before).mean() / before.mean()
    assert_close(patched(variant).change, expected, atol=1e-2, rtol=1e-3)
    assert_close(patched(variant).difference, before, atol=1e-4, rtol=1e-4)
    assert (expected.abs() > 0.1).all()


def test_a_prompt_patched_into_itself_changes_nothing() -> None:
    found = path_patching(model(), pairs(CLEAN))
    assert_close(found.change, torch.zeros(3, 2), atol=1e-3, rtol=0)


def test_the_null_is_of_the_same_kind_as_the_score() -> None:
    found = patched()
    assert found.change_null.shape == found.change.shape and (found.change_null_spread > 0).all()


def test_the_flip_of_a_head_leaves_patched_paths() -> None:
    plain: Any = tiny_model("cog")
    with torch.no_grad():
        for linear in (plain.model.layers[1].self_attn.q_proj, plain.model.layers[1].self_attn.v_proj):
            linear.weight[16:32] *= -1
    flipped = path_patching(hooked(plain), pairs(CORRUPT))
    assert_close(flipped.change, patched().change, atol=1e-2, rtol=1e-3)
    assert_close(flipped.change_null, patched().change_null, atol=1e-2, rtol=1e-3)


def test_pairs_of_several_lengths_and_no_pair_are_refused() -> None:
    clean, corrupt = prompts(((5, 17), (6, 17)))
    one = PromptPair(clean, corrupt, 3, 4)
    for given in ([*pairs(CORRUPT), one], []):
        with pytest.raises(ValueError, match="prompts of one length, at least one"):
            path_patching(model(), given)


def test_a_difference_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="difference of the clean prompts is 0"):
        path_patching(model(), pairs(CORRUPT, TARGET))


def test_senders_that_share_a_pass_are_patched_alone_and_counted() -> None:
    seen: list[tuple[int, int]] = []
    alone = path_patching(model(), pairs(CORRUPT), 1, lambda done, total: seen.append((done, total)))
    for name, value in patched().tensors().items():
        assert_close(alone.tensors()[name], value, atol=1e-2, rtol=1e-3, msg=name)
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_last_position_alone_says_what_whole_prompts_do(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole passes hold every head at every position, and run every layer."""
    whole = lambda model, prompts, run: replace(held_heads(model, prompts, run), begins=None)  # noqa: E731
    monkeypatch.setattr(path_patching_module, "held_heads", whole)
    for name, value in path_patching(model(variant), pairs(CORRUPT)).tensors().items():
        assert_close(patched(variant).tensors()[name], value, atol=1e-2, rtol=1e-3, msg=name)


def test_senders_run_one_token_each_from_their_layer_on() -> None:
    """Beside them both prompts, two small passes, and each prompt once to see that its last token is enough."""
    with counted_tokens(model()) as counts:
        path_patching(model(), pairs(CORRUPT))
    senders = sum((1 + SAMPLES) * 2 * 2 * (layer + 1) for layer in range(3))
    assert sum(counts) == senders + 3 * (2 * 2 * len(CLEAN[0]) + 4 * (1 + 3) + 2)


def test_where_a_layer_shifts_tokens_whole_prompts_are_run() -> None:
    """Its MLP reads the token before too."""
    plain: Any = hooked_tiny("cog")
    plain.blocks[1].mlp.register_forward_hook(lambda mlp, places, output: output + output.roll(1, 1))
    clean = untouched_run.untouched_run(plain, prompts(CLEAN), 4)
    assert held_heads(plain, prompts(CLEAN), clean).begins is None
    found = path_patching(plain, pairs(CLEAN))
    assert_close(found.change, torch.zeros(3, 2), atol=1e-3, rtol=0)


def test_untouched_runs_are_gathered_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(model: Any, prompts: list[PromptTokens], names: list[str]) -> Any:
        sizes.append(len(prompts))
        return gathered_activations(model, prompts, names)

    monkeypatch.setattr(untouched_run, "gathered_activations", counted)
    many = path_patching(model(), pairs(CORRUPT) * 2, batch_size=3)
    assert sizes == [3, 1, 3, 1]
    assert_close(many.change, patched().change, atol=1e-2, rtol=1e-3)


def test_the_two_tokens_and_the_corrupt_prompt_are_named() -> None:
    one = replace(pairs(CORRUPT)[0], strings=(" <x>", " y"))
    found = path_patching(model(), [one])
    assert found.about.title == "Path patching to the logits, ' <x>' (token 17) against ' y' (token 5)"
    assert "' &lt;x&gt;' (token 17)" in found.figure().layout.title.text
    assert set(found.to_frame()["of"]) == {"' <x>' (token 17) against ' y' (token 5)"}
    [said] = json.loads(json.dumps(found.to_json()))["facts"]["pairs"]
    assert said["target"] == {"id": 17, "text": " <x>"} and said["corrupt"]["ids"] == list(CORRUPT[0])
    assert patched().about.title.endswith(", 2 prompts, each with two tokens of its own")


def test_the_grid_shows_the_changes() -> None:
    figure: Any = patched().figure()
    assert_close(torch.tensor(figure.data[0].z), patched().change)
    assert figure.layout.yaxis.autorange == "reversed"

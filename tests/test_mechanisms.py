"""Mechanisms taken out of heads: the weights without them by definition, the effects by hand, and what is refused."""

from typing import Any

import pytest
import torch
from tiny_decoders import attached
from tiny_models import hooked_tiny
from torch.testing import assert_close

from headscope import AttentionSpec, Choices, analyse, attach, compare_mechanism
from headscope.interp.mechanisms.compare import MechanismComparison, mechanism_comparison
from headscope.interp.mechanisms.switch import Switch, dealt
from headscope.interp.reading.mechanisms import mechanisms
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked

IDS = (5, 17, 9, 5, 88, 17, 31)
PROMPT = PromptTokens(IDS, tuple(f"<{i}>" for i in IDS))
HAVE = {
    "cog": "negative",
    "gated": "negative",
    "gated by element": "gate",
    "selective": "temperature",
    "differential": "lambda",
    "forgetting": "forget",
    "sink": "sink",
}
every_mechanism = pytest.mark.parametrize(("name", "without"), HAVE.items())


def model_of(name: str) -> Any:
    return hooked(attached("llama", name).double())


def logits(model: Any, hooks: Any = ()) -> torch.Tensor:
    with torch.no_grad():
        return model.run_with_hooks(torch.tensor([IDS]), fwd_hooks=list(hooks))[0]


def softmax_twin(name: str) -> Any:
    """The same weights, carried by softmax."""
    return hooked(attach(attached("llama", name), AttentionSpec("softmax")).double())


@pytest.mark.parametrize(
    ("name", "without"), [("selective", "temperature"), ("forgetting", "forget"), ("sink", "sink")]
)
def test_without_it_everywhere_the_model_is_the_softmax_of_its_weights(name: str, without: str) -> None:
    model = model_of(name)
    hooks = [hook for layer in range(3) for hook in Switch(model, layer, without).hooks()]
    assert_close(logits(model, hooks), logits(softmax_twin(name)), atol=1e-5, rtol=1e-4)


@every_mechanism
def test_a_model_has_its_mechanism_in_every_layer(name: str, without: str) -> None:
    assert mechanisms(model_of(name))[without] == (0, 1, 2)


@every_mechanism
def test_each_head_alone_is_measured_as_a_run_of_its_own(name: str, without: str) -> None:
    model = model_of(name)
    found = mechanism_comparison(model, [PROMPT], without, batch_size=3)
    before = logits(model).log_softmax(-1)
    for layer, head in ((0, 1), (2, 3)):
        after = logits(model, Switch(model, layer, without, [head]).hooks()).log_softmax(-1)
        kl = (before.exp() * (before - after)).sum(-1).mean()
        assert_close(found.kl[layer, head].double(), kl, atol=1e-6, rtol=1e-3)
        answers = torch.tensor(IDS[1:])
        change = [-run[torch.arange(6), answers].mean() for run in (after, before)]
        assert_close(found.loss_change[layer, head].double(), change[0] - change[1], atol=1e-5, rtol=1e-3)
    assert (found.pattern_change > 0).all() and (found.kl > 0).all() and found.whole_kl > float(found.kl.min())
    assert found.figure().data and len(found.to_frame())


def test_negative_weights_are_taken_out_and_the_positive_ones_stay() -> None:
    model, kept = model_of("cog"), list[torch.Tensor]()
    see = ("blocks.1.attn.hook_pattern", lambda pattern, hook: kept.append(pattern[0]))
    logits(model, [see])
    logits(model, [*Switch(model, 1, "negative", [2]).hooks(), see])
    before, after = kept
    assert_close(after[2], before[2].clamp(min=0))
    assert torch.equal(after[[0, 1, 3]], before[[0, 1, 3]])


def test_the_null_deals_the_same_changes_among_the_keys_that_a_row_sees() -> None:
    visible = torch.ones(6, 6, dtype=torch.bool).tril()
    change = torch.randn(2, 6, 6).masked_fill(~visible, 0.0)
    moved = dealt(change, visible, torch.Generator().manual_seed(0))
    assert (moved[:, ~visible] == 0).all() and not torch.equal(moved, change)
    assert_close(moved.sort(-1).values, change.sort(-1).values)


def test_it_is_an_analysis_with_a_choice() -> None:
    model = model_of("gated")
    found = analyse(model, [PROMPT], ["mechanism"], choices=Choices(without="gate"))["mechanism"]
    assert isinstance(found, MechanismComparison) and found.without == "gate"
    assert compare_mechanism(model, [PROMPT]).without == "negative"
    assert_close(compare_mechanism(model, [PROMPT], "gate").kl, found.kl)


def test_a_mechanism_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match=r"without='sink' was asked for, and this model has no such .* it has: negative"
    ):
        mechanism_comparison(model_of("cog"), [PROMPT], "sink")
    with pytest.raises(ValueError, match="this model's attention is plain softmax"):
        analyse(model_of("softmax"), [PROMPT], ["mechanism"])
    with pytest.raises(ValueError, match="this model's attention is sigmoid, of which no part can go"):
        analyse(hooked_tiny("sigmoid"), PROMPT, ["mechanism"])
    with pytest.raises(ValueError, match="compared on prompts; give at least one"):
        mechanism_comparison(model_of("cog"), [], "negative")


def test_a_temperature_is_taken_out_from_inside_of_a_soft_cap() -> None:
    model = hooked(attached("gemma2", "selective").double())
    twin = hooked(attach(attached("gemma2", "selective"), AttentionSpec("softmax")).double())
    hooks = [hook for layer in range(3) for hook in Switch(model, layer, "temperature").hooks()]
    assert_close(logits(model, hooks), logits(twin), atol=1e-5, rtol=1e-4)

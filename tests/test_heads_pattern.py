"""The pattern of one head: a head that the model does not have is refused, whichever way it misses."""

from typing import Any

import pytest
import torch
from tiny_models import hooked_tiny

from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_difference import head_difference
from headscope.interp.heads.head_pattern import head_pattern


@pytest.mark.parametrize(("layer", "head"), [(0, -1), (0, 2), (0, 9), (-1, 0), (3, 0)])
def test_a_head_that_is_not_there_is_refused_with_those_that_are(layer: int, head: int) -> None:
    model: Any = hooked_tiny("cog")
    asked = asked_of(model, ["return x"], Choices(), prepend_bos=False)
    run = attention_run(model, asked.prompts[0])
    with pytest.raises(ValueError, match=rf"L{layer}H{head} was asked for; heads 0 to 1 are in the layers 0, 1, 2"):
        head_pattern(run, asked.setting.facts, layer, head)


def test_a_difference_of_two_models_heads_is_what_the_second_weighs_more() -> None:
    models: list[Any] = [hooked_tiny("cog"), hooked_tiny("softmax")]
    runs = [attention_run(model, asked_of(model, ["return x"], Choices(), None).prompts[0]) for model in models]
    result = head_difference(runs[0], (1, 0), runs[1], (2, 1))
    a, b = runs[0].weights(1, 0), runs[1].weights(2, 1)
    seen = runs[0].visible_of(1)
    assert torch.equal(result.difference.isnan(), ~seen)
    torch.testing.assert_close(result.difference.nan_to_num(), b - a)
    torch.testing.assert_close(result.moved, (b - a).abs().sum(-1) / (a.abs() + b.abs()).sum(-1))
    assert head_difference(runs[0], (1, 0), runs[0], (1, 0)).moved.eq(0).all()


def test_heads_on_other_tokens_have_no_difference() -> None:
    model: Any = hooked_tiny("cog")
    long, short = (
        attention_run(model, asked_of(model, [text], Choices(), None).prompts[0]) for text in ("return x", "def")
    )
    counts = rf"into other tokens \({len(long.tokens)} and {len(short.tokens)}\)"
    with pytest.raises(ValueError, match=counts):
        head_difference(long, (1, 0), short, (1, 0))


def test_as_many_tokens_that_are_not_the_same_are_named() -> None:
    model: Any = hooked_tiny("cog")
    runs = [attention_run(model, asked_of(model, [text], Choices(), None).prompts[0]) for text in ("{a}", "{b}")]
    at = next(at for at, pair in enumerate(zip(*(run.tokens.strings for run in runs), strict=True)) if len({*pair}) > 1)
    with pytest.raises(ValueError, match=rf"at position {at}, "):
        head_difference(runs[0], (1, 0), runs[1], (1, 0))

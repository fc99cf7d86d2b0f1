"""Heads compared by strips of rows: the cosines of whole patterns, and no pattern is kept."""

from typing import Any

import pytest
import torch
from tiny_models import hooked_tiny
from torch.testing import assert_close

from headscope.interp.heads import similar_runs
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.similar_heads import similar_heads
from headscope.interp.heads.similar_runs import (
    heads_of,
    likeness_of_heads,
    likeness_to_head,
    similar_heads_of_runs,
)
from headscope.interp.reading.prompt_tokens import PromptTokens

TOKENS = PromptTokens(tuple(range(3, 43)), ("x",) * 40)


@pytest.mark.parametrize("variant", ["softmax", "cog"])
def test_strips_find_the_likeness_of_whole_patterns(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_runs, "STRIP_SHARES", 2000)  # strips of 8 rows
    run = attention_run(hooked_tiny(variant), TOKENS)
    plain = similar_heads(run.patterns[1, 1], run.patterns)
    own = heads_of(run).index((1, 1))
    alike = similar_heads_of_runs(likeness_of_heads(run)[own], run, own)
    for name, value in alike.tensors().items():
        assert_close(value, plain.tensors()[name], rtol=1e-5, atol=1e-5)


def test_a_head_is_compared_with_another_models_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_runs, "STRIP_SHARES", 2000)
    run, other = (attention_run(hooked_tiny(variant), TOKENS) for variant in ("softmax", "cog"))
    alike = similar_heads_of_runs(likeness_to_head(run, 1, 0, other), other, None)
    assert_close(alike.value, similar_heads(run.patterns[1, 0], other.patterns).value, rtol=1e-5, atol=1e-5)


def test_runs_of_other_lengths_are_refused() -> None:
    model: Any = hooked_tiny("cog")
    short = attention_run(model, PromptTokens(TOKENS.ids[:9], TOKENS.strings[:9]))
    with pytest.raises(ValueError, match="same tokens"):
        likeness_to_head(attention_run(model, TOKENS), 0, 0, short)
    assert torch.equal(likeness_of_heads(short).diagonal(), torch.ones(6))

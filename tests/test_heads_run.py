"""A run keeps queries and keys: any part of a pattern made from them is the pattern that the model itself forms."""

from typing import Any

import pytest
import torch
from tiny_decoders import CONFIGS, tiny_decoder
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope import AttentionSpec, attach
from headscope.interp.heads.attention_run import AttentionRun, attention_run, layers_with_patterns
from headscope.interp.heads.layer_attention import KeptAttention, RecomputedAttention
from headscope.interp.heads.pattern_summary import pattern_summary
from headscope.interp.heads.signed_max_pool import StripPool, causal_max_pool, signed_max_pool, visible_max_pool
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.row_statistics import row_statistics
from headscope.models.hooked import hooked

VARIANTS = ("softmax", "cog", "expressive", "selective", "polynomial")
TOKENS = PromptTokens(tuple(range(3, 43)), tuple(f"t{at}" for at in range(40)))


def plain(model: Any) -> tuple[Tensor, Tensor]:
    """Scores and patterns of every layer, as the model's own hooks have them."""
    _, cache = model.run_with_cache(torch.tensor([TOKENS.ids]))
    layers = range(model.cfg.n_layers)
    return tuple(torch.stack([cache[name, layer][0] for layer in layers]) for name in ("attn_scores", "pattern"))  # type: ignore[return-value]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_row_made_from_queries_and_keys_is_the_row_of_the_pattern(variant: str) -> None:
    model: Any = hooked_tiny(variant).to(torch.float64)
    run, (_, patterns) = attention_run(model, TOKENS), plain(model)
    assert all(isinstance(layer, RecomputedAttention) for layer in run.layers)
    for row in (0, 1, 17, 39):
        assert_close(run.weights(1, 1, slice(row, row + 1))[0], patterns[1, 1, row], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_keeps_what_its_patterns_come_from(family: str) -> None:
    model: Any = hooked(attach(tiny_decoder(family), AttentionSpec("cog")))
    run, (scores, patterns) = attention_run(model, TOKENS), plain(model)
    assert_close(run.patterns, patterns, rtol=1e-5, atol=1e-6)
    assert run.visible.equal(scores[:, 0] > -1e30)
    kept = tuple(at for at, layer in enumerate(run.layers) if isinstance(layer, KeptAttention))
    assert kept == layers_with_patterns(model)


def test_only_a_layer_with_an_edit_keeps_its_pattern() -> None:
    model: Any = hooked_tiny("cog")
    run = attention_run(model, TOKENS, edits=[("blocks.1.attn.hook_pattern", lambda a, hook: a * 2)])
    assert [isinstance(layer, KeptAttention) for layer in run.layers] == [False, True, False]
    assert_close(run.weights(1, 0), 2 * attention_run(model, TOKENS).weights(1, 0))


def test_what_a_run_keeps_grows_with_the_prompt_not_its_square() -> None:
    model: Any = hooked_tiny("selective")

    def kept(run: AttentionRun) -> int:
        layers = [layer for layer in run.layers if isinstance(layer, RecomputedAttention)]
        storages = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for at in layers for x in (at.q, at.k)}
        return sum(storages.values())

    short = PromptTokens(TOKENS.ids[:20], TOKENS.strings[:20])
    assert kept(attention_run(model, TOKENS)) == 2 * kept(attention_run(model, short))


def test_whoever_watches_is_told_of_every_layer_and_can_end_the_run() -> None:
    model, told = hooked_tiny("cog"), []

    def watch(stage: str, done: int, total: int) -> None:
        told.append((stage, done))
        if stage == "running layers" and done == 1 and len(told) > 6:
            raise KeyboardInterrupt

    attention_run(model, TOKENS, watch=watch)
    assert told == [(stage, at) for stage in ("running layers", "reading the heads of layers") for at in range(3)]
    with pytest.raises(KeyboardInterrupt):
        attention_run(model, TOKENS, watch=watch)
    assert not [name for name, point in model.hook_dict.items() if point.fwd_hooks]
    assert attention_run(model, TOKENS).patterns.isfinite().all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_summary_of_strips_is_that_of_whole_patterns(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headscope.interp.heads.pattern_summary.STRIP_CELLS", 700)  # strips of 8 rows
    model: Any = hooked_tiny(variant).to(torch.float64)
    run = attention_run(model, TOKENS)
    summary, (_, patterns) = pattern_summary(run.layers, run.n_heads, 40), plain(model)
    for name, value in vars(row_statistics(patterns)).items():
        assert_close(getattr(summary.rows, name), value.float(), equal_nan=True)
    assert_close(summary.peaks, patterns.abs().amax((2, 3)).float())
    pooled = torch.stack([signed_max_pool(layer, 32) for layer in patterns])
    assert_close(summary.thumbnails, pooled.float())
    assert summary.thumbnail_visible.equal(visible_max_pool(run.visible, 32))
    assert summary.visible_keys.equal(run.visible.sum(-1))


@pytest.mark.parametrize(("count", "size", "step"), [(40, 32, 7), (41, 8, 1), (100, 33, 64), (9, 32, 4), (64, 16, 5)])
def test_strips_pool_as_the_whole_pattern_does(count: int, size: int, step: int) -> None:
    pattern, pool = torch.randn(3, count, count).tril(), StripPool(3, count, size)
    for start in range(0, count, step):
        stop = min(start + step, count)
        pool.add(start, pattern[:, start:stop, :stop])
    assert pool.pooled().equal(signed_max_pool(pattern, size))
    seen = torch.ones(1, count, count).tril() > 0
    assert causal_max_pool(count, size).equal(visible_max_pool(seen, size)[0])

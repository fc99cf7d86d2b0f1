"""What the browser gets of a head: tiles that are the pooled pattern, and lines that are the pattern's own."""

from typing import Any

import numpy as np
import pytest
import torch
from payloads import read_payload
from tiny_decoders import tiny_decoder
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope import AttentionSpec, attach
from headscope.app.drawings import head_tile as tile_module
from headscope.app.drawings.drawn_head import PLAIN, drawn_head
from headscope.app.drawings.head_answer import ReadHead, answer
from headscope.app.drawings.head_numbers import HEAD_NUMBERS
from headscope.app.drawings.head_tile import head_tile, whole
from headscope.app.drawings.signed_code import signed_code
from headscope.app.serving.address import OpenHead
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.heads.layer_attention import RecomputedAttention
from headscope.interp.heads.pattern_summary import pattern_summary
from headscope.interp.heads.pattern_tile import Window, pattern_tile
from headscope.interp.heads.signed_max_pool import signed_max_pool, visible_max_pool
from headscope.interp.reading.next_tokens import nothing_predicted
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.head_statistics import head_statistics
from headscope.models.attention import variant_named
from headscope.models.hooked import hooked

TOKENS = PromptTokens(tuple(range(3, 43)), tuple(f"t{at}" for at in range(40)))
MOST_BYTES = 400_000


def run_of(name: str) -> AttentionRun:
    """A run of 40 tokens; gemma2's scores are capped, and its first layer has a window of six."""
    model: Any = hooked_tiny(name) if name != "gemma2" else hooked(attach(tiny_decoder(name), AttentionSpec("cog")))
    return attention_run(model, TOKENS)


def whole_of(arrays: dict[str, np.ndarray], name: str, masked: float) -> np.ndarray:
    """A tile as the page unpacks it."""
    side, at = len(arrays["reach"]), 0
    cells = np.full((side, side), masked, arrays[name].dtype)
    for row, length in enumerate(arrays["reach"].tolist()):
        cells[row, :length] = arrays[name][at : at + length]
        at += length
    assert at == arrays[name].size
    return cells


@pytest.mark.parametrize("name", ["softmax", "cog", "selective", "gemma2"])
@pytest.mark.parametrize("window", [Window(0, 0, 40), Window(20, 3, 15), Window(3, 20, 15), Window(7, 0, 33)])
@pytest.mark.parametrize("most", [40, 8, 5])
def test_a_pooled_tile_is_the_pooled_plain_pattern(name: str, window: Window, most: int) -> None:
    run = run_of(name)
    rows, keys = (slice(start, start + window.size) for start in (window.top, window.left))
    tile = pattern_tile(run, 1, 1, window, most)
    assert_close(tile.weights, signed_max_pool(run.weights(1, 1)[None, rows, keys], most)[0], rtol=1e-5, atol=1e-6)
    assert tile.visible.equal(visible_max_pool(run.visible_of(1)[None, rows, keys], most)[0])


def test_a_code_is_zero_for_zero_alone_and_keeps_every_sign() -> None:
    weights = np.array([0.0, -0.0, 1e-30, -1e-30, 0.5, -1.0, np.nan, 0.3])
    visible = np.array([True] * 7 + [False])
    assert signed_code(weights, visible, 1.0, np.int8).tolist() == [0, 0, 1, -1, 90, -127, 0, -128]


@pytest.mark.parametrize("name", ["cog", "gemma2"])
def test_a_tile_unpacks_to_the_weights_or_to_their_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(name)
    pattern, visible = run.weights(0, 1), run.visible_of(0)
    place, arrays = head_tile(run, 0, 1, whole(run))
    assert place == {"top": 0, "left": 0, "size": 40, "side": 40}
    shown = torch.tensor(whole_of(arrays, "weights", np.nan))
    assert_close(shown, pattern.where(visible, torch.nan), rtol=1e-6, atol=1e-7, equal_nan=True)
    monkeypatch.setattr(tile_module, "MOST_EXACT", 8)
    monkeypatch.setattr(tile_module, "MOST_CELLS", 100)
    place, arrays = head_tile(run, 0, 1, whole(run))
    assert place["side"] == (14 if name == "cog" else 10) and arrays["codes"].dtype == np.int8
    pooled, seen = signed_max_pool(pattern[None], place["side"])[0], visible_max_pool(visible[None], place["side"])[0]
    expected = signed_code(pooled.numpy(), seen.numpy(), float(run.summary.peaks[0, 1]), np.int8)
    assert np.abs(whole_of(arrays, "codes", -128).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("name", ["softmax", "cog", "selective", "gemma2"])
@pytest.mark.parametrize("kind", ["row", "column"])
def test_a_line_that_is_pointed_at_is_that_of_the_plain_pattern(name: str, kind: str) -> None:
    run = run_of(name)
    read = ReadHead(run, "run", OpenHead(1, 0), "view")
    seen = run.weights(1, 0).where(run.visible_of(1), torch.nan)
    for index in (0, 13, 39):
        header, arrays = answer(read, {"kind": kind, "index": index})
        plain = seen[index] if kind == "row" else seen[:, index]
        assert header["lines"] == [{"kind": kind, "index": index}]
        assert_close(torch.tensor(arrays["lines"]), plain, rtol=1e-6, atol=1e-6, equal_nan=True)
        numbers = [number.field for number in HEAD_NUMBERS.values() if number.per_row]
        rows = [getattr(run.rows, field)[1, 0, index] for field in numbers]
        assert_close(torch.tensor([value or 0.0 for value in header["numbers"][0]]), torch.stack(rows).nan_to_num())


@pytest.mark.parametrize(("name", "leaves"), [("sink", True), ("sigmoid", False), ("cog", False)])
def test_rows_that_may_keep_weight_from_every_token_say_how_much(name: str, leaves: bool) -> None:
    run = run_of(name)
    header, arrays = read_payload(drawn_head(ReadHead(run, "run", OpenHead(1, 0), "view"), PLAIN))
    assert (header["numbers"][-1]["label"] == "into nothing") is leaves is ("nothing" in arrays)
    if leaves:
        rest = 1 - run.weights(1, 0).sum(-1)
        assert_close(torch.tensor(arrays["nothing"]), rest, rtol=0, atol=1e-6)
        assert rest.max() > 0.1
        row = answer(ReadHead(run, "run", OpenHead(1, 0), "view"), {"kind": "row", "index": 13})[0]["numbers"][0]
        assert row[-1] == pytest.approx(float(rest[13]), abs=1e-6)
        assert header["numbers"][-1]["mean"] == pytest.approx(float(rest[1:].mean()), abs=1e-6)


def test_what_a_browser_asks_for_lies_within_the_head() -> None:
    read = ReadHead(run_of("cog"), "run", OpenHead(0, 0), "view")
    assert answer(read, {"kind": "row", "index": 10**9})[0]["lines"] == [{"kind": "row", "index": 39}]
    tile = answer(read, {"kind": "tile", "top": -5, "left": 39, "size": 10})[0]["tile"]
    assert tile == {"top": 0, "left": 30, "size": 10, "side": 10}
    assert answer(read, {"kind": "tile", "top": 0, "left": 0, "size": 10**6})[0]["tile"]["size"] == 40


def long_run(count: int) -> AttentionRun:
    """A run of one head of random queries and keys, with tokens of some length."""
    torch.manual_seed(0)

    def random() -> Tensor:
        return torch.randn(1, count, 16)

    layer = RecomputedAttention(variant_named("cog"), random(), random(), None, True, 0.25, None, None, {})
    summary = pattern_summary([layer], 1, count)
    heads = head_statistics(summary.rows, summary.visible_keys[:, None])
    tokens = PromptTokens((1,) * count, (" token",) * count)
    return AttentionRun(tokens, (layer,), 1, summary, heads, nothing_predicted(count), {})


@pytest.mark.parametrize("count", [256, 257, 1024, 4096, 8192])
def test_a_head_of_any_prompt_is_within_its_bytes(count: int) -> None:
    run = long_run(count)
    of_view = len(drawn_head(ReadHead(run, "run", OpenHead(0, 0), "view"), PLAIN))
    _, line = answer(ReadHead(run, "run", OpenHead(0, 0), "view"), {"kind": "row", "index": count - 1})
    _, tile = answer(ReadHead(run, "run", OpenHead(0, 0), "view"), {"kind": "tile", "top": 9, "left": 0, "size": 256})
    assert of_view + sum(array.nbytes for array in line.values()) < MOST_BYTES
    assert sum(array.nbytes for array in tile.values()) < MOST_BYTES

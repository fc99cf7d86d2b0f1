"""Row statistics of hooked models: measured while the model runs, against the patterns that its hooks held."""

import math
from typing import Any

import pytest
import torch
from largest_tensor import LargestTensor
from tiny_decoders import CONFIGS, SPECS, attached
from tiny_models import hooked_tiny, tiny_model
from torch.testing import assert_close

from headscope.interp.asking.analyse import analyse
from headscope.interp.reading.activations import SCORES, gathered_activations
from headscope.interp.reading.model_facts import model_gauges
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.curves import RowCurves, row_curves
from headscope.interp.rows.heads import AVERAGED, HeadRows
from headscope.interp.rows.of_model import model_row_curves
from headscope.interp.rows.strips import row_curves_by_strips, rows_of_call
from headscope.models.attention import VARIANTS
from headscope.models.hooked import hooked
from headscope.models.seam.watched_calls import Call, watched_calls

PATTERN = "attn.hook_pattern"


def of_gathered(model: Any, tokens: PromptTokens) -> RowCurves:
    """Row curves of the patterns that a model's hooks held."""
    [run] = gathered_activations(model, [tokens], (PATTERN, SCORES))
    assert run.visible is not None
    layers = [block.attn.layer for block in model.blocks]
    variants, kernels = [layer.variant.name for layer in layers], [layer.kernel() for layer in layers]
    return row_curves(run[PATTERN], run[SCORES], run.visible, variants, kernels=kernels)


def prompt_of(length: int, vocabulary: int = 99) -> PromptTokens:
    ids = torch.randint(3, vocabulary, (length,)).tolist()
    return PromptTokens(tuple(ids), tuple(map(str, ids)))


def same_curves(found: RowCurves, expected: RowCurves) -> None:
    """Equal within what single precision leaves."""
    for name, value in expected.tensors().items():
        size = float(value.nan_to_num().abs().max())
        near: Any = {"rtol": 1e-3, "atol": 1e-4 * size}
        assert_close(
            found.tensors()[name], value, equal_nan=True, **near, msg=lambda said, name=name: f"{name}: {said}"
        )


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("name", SPECS)
def test_a_model_is_measured_while_it_runs(family: str, name: str) -> None:
    model: Any = hooked(attached(family, name))
    tokens = prompt_of(12)
    found = model_row_curves(model, tokens)
    same_curves(found, of_gathered(model, tokens))
    assert found.labels == {"query": tokens.strings}
    assert set(found.about.by_gauge) == set(model_gauges(model)) & {"odd", "even", "scale"}


@pytest.mark.parametrize("family", ["qwen3", "gemma3_text"])
def test_a_model_that_was_switched_to_eager_attention_is_measured_too(family: str) -> None:
    model, tokens = hooked(attached(family, "cog")), prompt_of(12)
    model.original_model.set_attn_implementation("eager")  # type: ignore[operator]
    same_curves(model_row_curves(model, tokens), of_gathered(model, tokens))


def test_a_layer_with_hooks_of_its_own_is_measured_as_they_left_it() -> None:
    model, tokens = hooked_tiny("cog"), prompt_of(20)
    plain = model_row_curves(model, tokens)
    with model.hooks([("blocks.1.attn.hook_pattern", lambda pattern, hook: 2 * pattern)]):
        found = model_row_curves(model, tokens)
    assert_close(found.row_norm[:2], plain.row_norm[:2] * torch.tensor([1.0, 2.0])[:, None, None], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found.row_norm[2], plain.row_norm[2])


@pytest.mark.parametrize("name", ["cog", "selective"])
def test_the_calls_of_a_model_that_was_never_hooked_can_be_watched_soft_cap_and_all(name: str) -> None:
    told, model, tokens = list[Call](), attached("gemma2", name), prompt_of(12)
    with torch.no_grad(), watched_calls(told.append):
        model(torch.tensor([tokens.ids]))
    assert [call.layer for call in told] == [0, 1, 2] and {call.given.soft_cap for call in told} == {5.0}
    expected = of_gathered(hooked(model), tokens)
    for call in told:
        found = rows_of_call(call).measures
        assert_close(found["entropy"][0], expected.entropy[call.layer], rtol=1e-3, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_long_prompt_of_a_model_needs_no_pattern(variant: str) -> None:
    n = 1500
    model: Any = hooked(tiny_model(variant, context=n))
    with LargestTensor() as seen:
        curves = model_row_curves(model, prompt_of(n, 300))
    assert seen.elements < n * n and curves.entropy.shape == (3, 2, n)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_analyses_measure_a_model_while_it_runs(variant: str) -> None:
    prompt = PromptTokens((5, 9, 2, 7, 9), tuple("abcde"))
    found = analyse(hooked_tiny(variant), [prompt], ["row_statistics", "row_curves"])
    heads, curves = found["row_statistics"], found["row_curves"]
    assert isinstance(heads, HeadRows) and isinstance(curves, RowCurves)
    assert curves.labels["query"] == tuple("abcde") and curves.to_frame()["query_label"].tolist()[1] == "b"
    assert all(getattr(heads, name).isfinite().all() for name in (*AVERAGED, "jacobian_norm", "dilution_slope"))


@pytest.mark.parametrize("name", ["softmax", "cog", "expressive"])
def test_large_scores_cost_no_digits(name: str) -> None:
    torch.manual_seed(0)
    q, k = torch.randn(1, 1, 40, 8, dtype=torch.float64) * 400, torch.randn(1, 1, 5000, 8, dtype=torch.float64)
    exact = row_curves_by_strips(name, q, k).tensors()
    found = row_curves_by_strips(name, q.float(), k.float()).tensors()
    for field in ("entropy", "entropy_null"):
        assert_close(found[field].double(), exact[field], rtol=1e-3, atol=1e-5)


def test_a_short_distance_is_known_exactly_in_a_long_prompt() -> None:
    k = torch.zeros(1, 1, 30_000, 1)
    k[..., -2:, 0] = torch.tensor([100.0, 100.7])
    found = row_curves_by_strips("softmax", torch.ones(1, 1, 1, 1), k, scale=1.0).tensors()["mean_distance"]
    assert_close(found, torch.tensor([[[1 / (1 + math.exp(0.7))]]]), rtol=1e-4, atol=0.0)

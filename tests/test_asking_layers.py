"""Long prompts are analysed layer by layer: the numbers are those of all layers at once, and few are held together."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from mixer_cases import hybrid
from mixer_cases import prompt as prompt_of_hybrid
from tiny_decoders import attached
from tiny_encoders import MASKED, masked_model, word_tokenizer
from tiny_families import unlisted
from tiny_models import hooked_tiny
from tiny_vits import random_images, tiny_vit
from torch.testing import assert_close

from headscope import mixers
from headscope.interp.analysis import Analysis, ByLayer
from headscope.interp.asking import computed
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.findings import Findings, Interruption
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.activations import PATTERN, SCORES, gathered_activations
from headscope.interp.reading.image_prompt import image_prompt
from headscope.interp.reading.layer_cells import cell_hooks, read_layer_by_layer
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.about import About
from headscope.interp.results.all_layers import joined_layers
from headscope.interp.results.head_score import HeadScore
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import hooked

TEXT = "def __init__(self, x):\n    self.x = x <s>"
READERS = [row.name for row in ANALYSES.values() if isinstance(row, Analysis) and row.needs]
OF_ALL_LAYERS = {"path_bound", "path_cancellation", "dispersion_curves"}  # what reads patterns across layers
IDS = PromptTokens(tuple(3 + (5 * at) % 20 for at in range(12)), tuple(map(str, range(12))))


def decoder(family: str, name: str) -> tuple[Any, Any]:
    return hooked(attached(family, name)), IDS


def image() -> tuple[Any, Any]:
    model: Any = hooked(tiny_vit("cog"))
    return model, image_prompt(random_images(1)[0], model.original_model.config, "noise", 3)


CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    **{name: lambda name=name: (hooked_tiny(name), TEXT) for name in ("softmax", "cog", "selective", "sigmoid")},
    "a window and a soft cap": lambda: decoder("gemma2", "cogformer"),
    "joint projections, a gate": lambda: decoder("gpt2", "gated by element"),
    "a gate by head": lambda: decoder("llama", "gated"),
    "a family that is not listed": lambda: (hooked(unlisted("cohere")), IDS),
    "a hybrid": lambda: (hybrid("qwen3_next"), prompt_of_hybrid()),
    "mixers": lambda: (mixers(hybrid("qwen3_next")), prompt_of_hybrid()),
    "an image": image,
    "a mask": lambda: (hooked(masked_model(), word_tokenizer()), MASKED),
}
every_case = pytest.mark.parametrize("case", CASES)


@cache
def opened(case: str) -> tuple[Any, Any]:
    return CASES[case]()


def readers_that_fit(case: str) -> list[str]:
    """The analyses of activations that have something to say of a model and a prompt."""
    model, prompt = opened(case)
    left_out = analyse(model, prompt).left_out
    return [name for name in READERS if name not in left_out]


def analysed(monkeypatch: pytest.MonkeyPatch, case: str, kept: int) -> Findings:
    monkeypatch.setattr(computed, "KEPT", kept)
    model, prompt = opened(case)
    return analyse(model, prompt, readers_that_fit(case))


@every_case
def test_layers_one_by_one_give_the_numbers_of_all_at_once(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, streamed = (analysed(monkeypatch, case, kept) for kept in (2**40, 1))
    assert [*streamed] == [*whole] == readers_that_fit(case)
    for name, result in whole.items():
        assert_close(streamed[name].tensors(), result.tensors(), rtol=1e-6, atol=1e-7, equal_nan=True, msg=name)
        assert (streamed[name].labels, streamed[name].facts()) == (result.labels, result.facts())


def test_what_reads_patterns_of_all_layers_together_is_known() -> None:
    readers = [row for row in ANALYSES.values() if isinstance(row, Analysis) and cell_hooks(row.needs)]
    across = [row for row in readers if not isinstance(row.compute, ByLayer)]
    assert {row.name for row in across} == OF_ALL_LAYERS and all(row.over_tokens for row in across)


@every_case
def test_a_layer_is_read_when_the_model_is_through_with_it(case: str) -> None:
    model, prompt = opened(case)
    [asked] = analyse(model, prompt, ["sinks"]).prompts
    [whole] = gathered_activations(model, [asked], [PATTERN, SCORES, "attn.hook_v"])
    [rows] = gathered_activations(model, [asked], ["attn.hook_v"], formed=[PATTERN, SCORES])
    layers: list[int] = []

    def read(run: Any) -> None:
        layers.extend(run.head_layers)
        expected = whole.of_layer(layers[-1])
        for name in (PATTERN, SCORES, "attn.hook_v"):
            assert torch.equal(run[name], expected[name]), name
        assert run.visible is not None and torch.equal(run.visible, expected.visible)  # type: ignore[arg-type]

    read_layer_by_layer(model, rows, [PATTERN, SCORES], read)
    assert tuple(layers) == whole.head_layers


def test_a_long_prompt_takes_three_passes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    model, passes = hooked_tiny("cog"), []
    run = type(model).run_with_hooks
    monkeypatch.setattr(computed, "KEPT", 1)
    head_weights(model)
    monkeypatch.setattr(
        type(model), "run_with_hooks", lambda self, *args, **kwargs: passes.append(1) or run(self, *args, **kwargs)
    )
    analyse(model, "return x", ["deletion", "sinks", "residual_norms", "path_bound"])
    assert len(passes) == 3
    passes.clear()
    analyse(model, ["return x", "return y"], ["deletion", "sinks", "residual_geometry"])
    assert len(passes) == 4


def test_long_prompts_are_watched_and_arrive_as_short_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed, "KEPT", 1)
    seen: list[tuple[str, int, int]] = []
    names: list[str] = []
    analyse(
        hooked_tiny("cog"),
        ["return x", "return y"],
        ["sinks", "residual_geometry"],
        watch=lambda *step: seen.append(step),
        arrived=lambda findings: names.extend(findings),
    )
    assert seen == [("prompts", 1, 2), ("prompts", 2, 2)] and names == ["residual_geometry", "sinks"]


def test_what_is_finished_is_kept_when_a_long_prompt_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    model = hooked_tiny("cog")
    monkeypatch.setattr(computed, "KEPT", 1)

    def stopped(setting: Any, run: Any) -> Any:
        raise KeyboardInterrupt

    row = Analysis("sinks", "stops", (PATTERN,), ByLayer(stopped))
    monkeypatch.setitem(ANALYSES, "sinks", row)
    with pytest.raises(Interruption) as stop:
        analyse(model, "return x", ["residual_geometry", "sinks"])
    assert [*stop.value.findings] == ["residual_geometry"]
    assert not any(hook.has_hooks() for hook in model.hook_dict.values())


def test_layers_that_differ_in_what_is_of_no_layer_do_not_join() -> None:
    of_two = [
        HeadScore(torch.zeros(1, 2), about=About("Score", "1", "", ""), labels={"head": (at, "x")}) for at in "ab"
    ]
    with pytest.raises(ValueError, match="Score differs from layer to layer in its facts or labels"):
        joined_layers(of_two)


def test_the_weights_of_a_layer_are_those_of_its_heads() -> None:
    weights = head_weights(hybrid("qwen3_next"))
    one = weights.of_layer(3)
    assert torch.equal(one.W_Q, weights.W_Q[1:]) and one.of_head(3, 1) == (0, 1)
    assert one.W_U_covariance is weights.W_U_covariance
    assert torch.equal(one.centred_unembeddings([4, 2]), weights.W_U_centred[:, [4, 2]])
    with pytest.raises(ValueError, match="L2H0 was asked for"):
        weights.of_layer(2)

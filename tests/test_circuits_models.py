"""Circuits of models: W_QK at a distance is what the model scores, and the effective embedding what its MLP makes."""

from typing import Any

import pytest
import torch
from hooked_cases import close
from tiny_decoders import CONFIGS, VOCABULARY, attached, random_ids
from tiny_models import hooked_tiny
from torch import Tensor

from headscope.interp.analysis import Setting
from headscope.interp.asking.choices import Choices, circuit_weights, refuse_distance
from headscope.interp.circuits import effective_embedding, relative_rotation, score_weights
from headscope.interp.circuits.distance import ANGLES
from headscope.interp.circuits.rows import ROWS
from headscope.interp.reading.activations import Activations, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked import hooked

LENGTH = 9
READS = ("hook_resid_pre", "ln1.hook_scale", "attn.hook_attn_scores", "attn.hook_q", "attn.hook_k")
EPSILON = 1e-6


@pytest.fixture(scope="module", params=CONFIGS)
def model(request: pytest.FixtureRequest) -> Any:
    """Without gemma2's soft cap, which bends the scores; gemma3 with a base of its own in one layer."""
    changes: dict[str, Any] = {"gemma2": {"attn_logit_softcapping": None}}.get(request.param, {})
    if request.param == "gemma3_text":
        changes = {"layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
    return hooked(attached(request.param, "softmax", **changes))


def scaling_of(model: Any) -> float:
    """The factor of q·k, which Granite has of its own."""
    return model.blocks[0].attn.original_component.scaling


def one_run(model: Any, names: tuple[str, ...]) -> Activations:
    ids = tuple(random_ids(1, LENGTH)[0].tolist())
    return gathered_activations(model, [PromptTokens(ids, tuple(map(str, ids)))], names)[0]


def rms(heads: Tensor, n_heads: int) -> Tensor:
    """The norm of projections [layer pos kv_head d_head], as [layer head pos]."""
    found = (heads.square().mean(-1) + EPSILON).sqrt().transpose(1, 2)
    return found.repeat_interleave(n_heads // found.shape[1], dim=1)


@pytest.mark.parametrize("distance", [0, 1, 4])
def test_w_qk_at_a_distance_is_the_score_of_the_model(distance: int, model: Any) -> None:
    compare_with_scores(distance, model)


# Layers that do not rotate, neighbours that turn as pairs, a part of the head that does, a factor of q·k
@pytest.mark.parametrize("family", ["smollm3", "glm", "ernie4_5", "phi", "granite", "mistral", "apertus"])
def test_w_qk_at_a_distance_is_the_score_of_a_family_of_its_own_ways(family: str) -> None:
    compare_with_scores(2, hooked(attached(family, "softmax")))


def compare_with_scores(distance: int, model: Any) -> None:
    run, weights = one_run(model, READS), head_weights(model)
    scored = score_weights(weights, relative_rotation(model, distance))
    x = run["hook_resid_pre"] / run["ln1.hook_scale"]
    q = torch.einsum("lpm,lhmd->lhpd", x, scored.W_Q) + scored.b_Q[:, :, None]
    k = torch.einsum("lpm,lhmd->lhpd", x, scored.W_K) + scored.b_K[:, :, None]
    mine = q @ k.mT * scaling_of(model)
    if weights.q_norm is not None:
        n_heads = weights.shape[1]
        mine = mine / rms(run["attn.hook_q"], n_heads)[..., None] / rms(run["attn.hook_k"], n_heads)[..., None, :]
    at = [mine.diagonal(-distance, -2, -1), run["attn.hook_attn_scores"].diagonal(-distance, -2, -1)]
    visible = at[1] > -1e9  # a window hides far keys in some layers
    assert visible.any()
    close(at[0][visible], at[1][visible])


def test_a_distance_beyond_the_context_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="distance 64 lies outside this model's context: give one of 0 to 63"):
        relative_rotation(model, 64)


def test_a_distance_without_a_rotation_is_refused(model: Any) -> None:
    asked = Choices(distance=3)
    if f"blocks.0.{ANGLES[0]}" in model.hook_dict:
        weights = head_weights(model)
        assert not torch.equal(circuit_weights(model, weights, asked).W_Q, weights.W_Q)
        return
    with pytest.raises(ValueError, match="distance 3 was asked for, but this model does not rotate queries and keys"):
        refuse_distance(model, asked)


def test_the_effective_embedding_is_the_residual_after_a_block_whose_attention_is_silent() -> None:
    for family in (*CONFIGS, "phi", "granite"):  # Phi has one norm for both parts, Granite a factor
        model: Any = hooked(attached(family, "softmax"))
        attention = model.blocks[0].attn.o.original_component
        with torch.no_grad():
            for parameter in attention.parameters():
                parameter.zero_()
            if hasattr(model, "pos_embed"):
                model.pos_embed.original_component.weight.zero_()
        weights = head_weights(model)
        run = one_run(model, ("hook_resid_post",))
        effective = effective_embedding(model, weights.W_E)
        assert effective.shape == (VOCABULARY, weights.W_E.shape[1])
        close(effective[list(run.tokens.ids)], run["hook_resid_post"][0])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_says_something_of_every_head(row: Any) -> None:
    model = hooked_tiny("cog")
    setting = Setting(model_facts(model), lambda: head_weights(model))
    result = row.compute(setting, Activations(PromptTokens((), ()), {}, torch.empty(0, 0)))
    first = next(iter(result.tensors().values()))
    assert first.isfinite().any() and result.figure().data

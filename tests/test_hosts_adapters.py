"""A projection is the linear function that it computes: adapters, weight norms and their kind are in its matrix."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hooked_cases import close
from peft import LoraConfig
from tiny_decoders import attached, random_ids
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from headscope import save
from headscope.interp.weights.head_weights import head_weights
from headscope.interp.weights.trial_run import trial_run
from headscope.interp.weights.weight_laws import LAWS, READS, relative_error
from headscope.models.checkpoints import CheckpointError
from headscope.models.hooked import hf_state_dict, hooked
from headscope.models.hosts.linear_map import linear_map

SPLIT = ("q_proj", "k_proj", "v_proj", "o_proj", "lm_head", "embed_tokens")
FUSED = {"gpt2": "c_attn", "gpt_neox": "query_key_value"}


def adapted(family: str, *targets: str, **choices: Any) -> Any:
    """A tiny decoder with a random adapter on its projections, in eval mode."""
    model: Any = attached(family, "cog")
    config = LoraConfig(
        r=2, lora_alpha=4, target_modules=list(targets), init_lora_weights=False, lora_dropout=0.1, **choices
    )
    model.add_adapter(config)
    return model.eval()


def normed(module: nn.Linear) -> nn.Module:
    changed: Any = weight_norm(module)
    with torch.no_grad():
        changed.parametrizations.weight.original0.mul_(1.7)
    return changed


@pytest.mark.parametrize("choices", [{}, {"use_dora": True}], ids=["lora", "dora"])
@pytest.mark.parametrize("family", ["llama", "gemma3_text"])
def test_an_adapter_is_in_every_matrix(family: str, choices: dict[str, Any]) -> None:
    model = hooked(adapted(family, *SPLIT, **choices)).train()
    weights, run = head_weights(model), trial_run(model, READS)
    assert weights.misread == {}
    assert {law: error for law in LAWS if (error := relative_error(*LAWS[law].sides(weights, run, None))) > 1e-5} == {}


def test_the_matrix_of_an_adapter_is_its_sum() -> None:
    projection = adapted("llama", "q_proj").model.layers[0].self_attn.q_proj
    A, B = projection.lora_A["default"].weight, projection.lora_B["default"].weight
    close(linear_map(projection, 32).W, (projection.base_layer.weight + 4 / 2 * B @ A).T.detach())


@pytest.mark.parametrize("change", [normed, nn.utils.weight_norm], ids=["parametrised", "by a hook"])
def test_a_weight_norm_is_in_the_matrix(change: Callable[[Any], nn.Module]) -> None:
    module, x = change(nn.Linear(5, 3)), torch.randn(4, 5)
    read = linear_map(module, 5)
    close(x @ read.W + read.b, module(x).detach())


def test_what_is_not_linear_has_no_matrix() -> None:
    assert bool(linear_map(nn.Sequential(nn.Linear(5, 3), nn.Tanh()), 5).W.isnan().all())


@pytest.mark.parametrize("family", FUSED)
def test_an_adapter_on_a_fused_projection_is_refused_before_the_model_is_wrapped(family: str) -> None:
    model, ids = adapted(family, FUSED[family]), random_ids(1, 5)
    before: Tensor = model(ids).logits
    with pytest.raises(ValueError, match=rf"hooked splits .*{FUSED[family]} .*merge the adapter first: PeftModel"):
        hooked(model)
    close(model(ids).logits, before)


def test_a_hooked_model_with_an_adapter_says_what_to_do_before_its_weights_are_kept(tmp_path: Any) -> None:
    model = hooked(adapted("llama", "q_proj"))
    with pytest.raises(ValueError, match=r"it carries an adapter .*merge it first: PeftModel"):
        hf_state_dict(model)
    with pytest.raises(CheckpointError, match=r"it carries an adapter .*merge it first: PeftModel"):
        save(model, tmp_path / "model")


def test_a_weight_norm_is_not_lost_in_a_folder(tmp_path: Any) -> None:
    model: Any = attached("llama", "cog")
    weight_norm(model.model.layers[0].self_attn.q_proj)
    with pytest.raises(CheckpointError, match=r"it carries an adapter .*remove_parametrizations"):
        save(model, tmp_path / "model")

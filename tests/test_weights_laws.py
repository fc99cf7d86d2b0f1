"""Norms are measured, the laws of the matrices are tried once, and what fails switches off what it would make wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hooked_cases import close
from tiny_decoders import GROUPED, attached, random_ids, stir
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, CohereConfig, GraniteConfig, NemotronConfig, PreTrainedConfig
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.nemotron.modeling_nemotron import NemotronLayerNorm1P

from headscope import AttentionSpec, attach
from headscope.interp.analysis import AnalysisRequest
from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.applicable import misfits
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.interp.weights.measured_norm import measured_norm
from headscope.interp.weights.trial_run import trial_run
from headscope.interp.weights.weight_laws import LAWS, READS, relative_error
from headscope.models.hooked import hooked
from headscope.models.hosts.families import FAMILIES, LLAMA_SHAPED

OTHERS: dict[str, Callable[[], PreTrainedConfig]] = {
    "cohere": lambda: CohereConfig(**GROUPED),
    "nemotron": lambda: NemotronConfig(**GROUPED),
    "granite": lambda: GraniteConfig(
        **GROUPED, embedding_multiplier=12.0, residual_multiplier=0.22, logits_scaling=4.0
    ),
}
NORMS: dict[str, tuple[nn.Module, Callable[[Tensor], Tensor], bool]] = {
    "layer norm": (nn.LayerNorm(32), lambda w: w, True),
    "no gain": (nn.LayerNorm(32, elementwise_affine=False), torch.ones_like, True),
    "rms norm": (LlamaRMSNorm(32), lambda w: w, False),
    "gemma": (GemmaRMSNorm(32), lambda w: 1 + w, False),
    "nemotron": (NemotronLayerNorm1P(32), lambda w: 1 + w, True),
}


def hooked_other(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> Any:
    monkeypatch.setitem(FAMILIES, name, FAMILIES.get(name, LLAMA_SHAPED))
    config = OTHERS[name]()
    for field, value in changes.items():
        setattr(config, field, value)
    model = AutoModelForCausalLM.from_config(config).eval()
    stir(model, 0.2)
    return hooked(attach(model, AttentionSpec("cog")))


def prompted(model: Any) -> AnalysisRequest:
    ids = tuple(random_ids(1, 6)[0].tolist())
    return asked_of(model, [PromptTokens(ids, tuple(map(str, ids)))], Choices(), False)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_norm_is_what_it_does(name: str, dtype: torch.dtype) -> None:
    module, gain, centred = NORMS[name]
    stir(module.to(dtype), 0.3)
    measured = measured_norm(module, 32)
    weight, bias = (getattr(module, part, None) for part in ("weight", "bias"))
    close(measured.gain, gain((torch.ones(32) if weight is None else weight.detach()).float()))
    close(measured.bias, torch.zeros(32) if bias is None else bias.detach().float())
    assert measured.centred == centred


def test_what_is_no_norm_has_no_gain() -> None:
    assert bool(measured_norm(nn.Tanh(), 32).gain.isnan().all())


@pytest.mark.parametrize("name", OTHERS)
def test_gains_and_factors_of_other_families_are_in_the_matrices(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model = hooked_other(monkeypatch, name)
    weights, run = head_weights(model), trial_run(model, READS)
    assert weights.misread == {}
    assert {law: error for law in LAWS if (error := relative_error(*LAWS[law].sides(weights, run, None))) > 1e-5} == {}


def test_a_law_that_fails_leaves_out_what_needs_it_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = prompted(hooked_other(monkeypatch, "cohere", use_qk_norm=True))  # a norm of another gain in every head
    left_out = misfits(list(ANALYSES.values()), asked)
    assert "reads W_QK, but in this model q·k from hook_q" in left_out["qk_spectrum"]
    assert "composition" in left_out and not {"copying", "deletion", "logit_lens"} & left_out.keys()


def test_logits_that_are_not_the_unembedding_leave_out_what_reads_them() -> None:
    model = hooked(attached("llama", "cog"))
    model.unembed.original_component.register_forward_hook(lambda module, inputs, logits: logits.square())
    left_out = misfits(list(ANALYSES.values()), prompted(model))
    assert {"copying", "deletion", "logit_lens", "suppression"} <= left_out.keys()
    assert not {"qk_spectrum", "composition", "detectors"} & left_out.keys()


def test_the_trial_touches_neither_hooks_nor_modes_nor_dice() -> None:
    model: Any = hooked(attached("gpt2", "cog"))
    model.train()
    calls: list[int] = []
    for number in (1, 2):
        model.hook_dict["blocks.0.attn.hook_pattern"].add_hook(
            lambda pattern, hook, number=number: calls.append(number)
        )
    dice = torch.get_rng_state()
    weights = head_weights(model)
    assert calls == [] and weights.misread == {} and all(part.training for part in model.modules())
    assert torch.equal(dice, torch.get_rng_state())
    model(random_ids(1, 4))
    assert calls == [1, 2]
    model.reset_hooks()
    model(random_ids(1, 4))
    assert calls == [1, 2]

"""The matrices of heads: what they say of a residual stream is what the model's own hooks hold."""

import copy
from pathlib import Path

import pytest
import torch
from accelerate import disk_offload
from hooked_cases import close
from tiny_decoders import CONFIGS, attached, random_ids, tiny_decoder
from torch import Tensor

from headscope.interp.reading.activations import NORM_AFTER, Activations, gathered_activations
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import HeadWeights, head_weights
from headscope.models.hooked import hooked

READS = ("hook_resid_pre", "ln1.hook_scale", "attn.hook_q", "attn.hook_k", "attn.hook_v")
ENDS = ("hook_resid_post", "ln_final.hook_scale", "hook_embed", "attn.hook_z", "hook_attn_out", NORM_AFTER)


@pytest.fixture(params=CONFIGS)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def seen(family: str) -> tuple[HeadWeights, Activations]:
    model = hooked(attached(family, "cog"))
    ids = tuple(random_ids(1, 9)[0].tolist())
    [run] = gathered_activations(model, [PromptTokens(ids, tuple(map(str, ids)))], READS + ENDS)
    return head_weights(model), run


def first_of_groups(heads: Tensor, n_kv: int) -> Tensor:
    return heads[:, :: heads.shape[1] // n_kv]


@pytest.mark.parametrize("name", ["q", "k", "v"])
def test_a_projection_reads_the_normalised_residual(name: str, seen: tuple[HeadWeights, Activations]) -> None:
    weights, run = seen
    expected = run[f"attn.hook_{name}"].transpose(1, 2)
    W, b = getattr(weights, f"W_{name.upper()}"), getattr(weights, f"b_{name.upper()}")
    normalised = run["hook_resid_pre"] / run["ln1.hook_scale"]
    mine = torch.einsum("lpm,lhmd->lhpd", normalised, W) + b[:, :, None]
    close(first_of_groups(mine, expected.shape[1]), expected)


def test_the_logits_are_the_unembedding_of_the_last_residual(
    family: str, seen: tuple[HeadWeights, Activations]
) -> None:
    weights, run = seen
    mine = run["hook_resid_post"][-1] / run["ln_final.hook_scale"] @ weights.W_U + weights.b_U
    if family == "gemma2":  # its logits have a soft cap
        mine = 30 * torch.tanh(mine / 30)
    close(mine, run.logits)


def test_the_embedding_is_what_the_model_adds_first(family: str, seen: tuple[HeadWeights, Activations]) -> None:
    weights, run = seen
    close(weights.W_E[list(run.tokens.ids)], run["hook_embed"])


def test_the_heads_outputs_add_up(seen: tuple[HeadWeights, Activations]) -> None:
    weights, run = seen
    mine = torch.einsum("lphd,lhdm->lpm", run["attn.hook_z"], weights.W_O)
    rest = run["hook_attn_out"] * run[NORM_AFTER] - mine
    close(rest, rest[:, :1].expand_as(rest))


def test_rotated_queries_and_keys_meet_in_the_scores(family: str) -> None:
    model = hooked(attached(family, "softmax"))
    ids = tuple(random_ids(1, 9)[0].tolist())
    names = ("attn.hook_rot_q", "attn.hook_rot_k", "attn.hook_attn_scores")
    [run] = gathered_activations(model, [PromptTokens(ids, tuple(map(str, ids)))], names)
    q, k, scores = (run[name] for name in names)
    dots = torch.einsum("lqhd,lkhd->lhqk", q, k.repeat_interleave(q.shape[2] // k.shape[2], dim=2))
    scaled = dots * 8**-0.5
    if family == "gemma2":  # its scores have a soft cap
        scaled = 5 * torch.tanh(scaled / 5)
    seen = scores > torch.finfo(scores.dtype).min / 2
    close(scaled[seen], scores[seen])


def test_an_offloaded_model_is_run_where_it_computes_and_its_matrices_are_refused(tmp_path: Path) -> None:
    model, prompt = tiny_decoder("llama"), PromptTokens((1, 2, 3), ("1", "2", "3"))
    [expected] = gathered_activations(hooked(copy.deepcopy(model)), [prompt], ["attn.hook_pattern"])
    disk_offload(model, str(tmp_path), execution_device=torch.device("cpu"))
    offloaded = hooked(model)
    [run] = gathered_activations(offloaded, [prompt], ["attn.hook_pattern"])
    close(run["attn.hook_pattern"], expected["attn.hook_pattern"])
    with pytest.raises(ValueError, match="lie on a disk: load them whole"):
        head_weights(offloaded)

"""Readings: the recurrence that the arguments of a mixing function of transformers stand for, a row each."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from headscope.models.attention.widening import at_least_float32
from headscope.models.mixers.recurrence import Recurrence
from headscope.models.seam.call_arguments import Keywords

EPS = 1e-6


@dataclass(frozen=True)
class Reading:
    """What a mixing function is called, where it was published, and how its arguments of one prompt are read."""

    name: str
    source: str
    recurrence: Callable[[Keywords], Recurrence]
    value: str = "value"


def heads_first(x: Float[Tensor, "1 pos some d"], heads: int) -> Float[Tensor, "head pos d"]:
    """Of one prompt, on the CPU, float32 at least; what heads share is repeated."""
    return at_least_float32(x[0].detach().cpu()).transpose(0, 1).repeat_interleave(heads // x.shape[2], 0)


def by_head(x: Float[Tensor, "1 pos head"]) -> Float[Tensor, "head pos"]:
    """A number of every head and position."""
    return at_least_float32(x[0].detach().cpu()).T


def unit_length(x: Float[Tensor, "head pos d"]) -> Float[Tensor, "head pos d"]:
    """x / √(x·x + ε), as fla and transformers have it."""
    return x * (x.square().sum(-1, keepdim=True) + EPS).rsqrt()


def delta_rule(call: Keywords) -> Recurrence:
    """Gated DeltaNet's, and with a decay for every entry of a key Kimi's."""
    heads = call["value"].shape[2]
    q, k = (heads_first(call[name], heads) for name in ("query", "key"))
    if call.get("use_qk_l2norm_in_kernel"):
        q, k = unit_length(q), unit_length(k)
    beta, decay = by_head(call["beta"]), call["g"]
    log_decay = by_head(decay)[..., None] if decay.ndim == 3 else heads_first(decay, heads)
    return Recurrence(q * q.shape[-1] ** -0.5, k, log_decay, write=beta, removal=beta)


def state_space(call: Keywords) -> Recurrence:
    """Mamba-2's: steps Δ = softplus(dt + bias) within their limits, keys B, queries C."""
    heads = call["hidden_states"].shape[2]
    step = call["dt"] if call.get("dt_bias") is None else call["dt"] + call["dt_bias"].to(call["dt"].dtype)
    step = by_head((softplus(step) if call.get("dt_softplus") else step).clamp(*call.get("dt_limit", (0.0, torch.inf))))
    rate, skip = (None if call.get(name) is None else at_least_float32(call[name].detach().cpu()) for name in "AD")
    assert rate is not None
    q, k = heads_first(call["C"], heads), heads_first(call["B"], heads)
    return Recurrence(q, k, (rate[:, None] * step)[..., None], write=step, skip=skip)


DELTA = Reading("Gated DeltaNet", "Yang et al. 2024, arXiv 2412.06464", delta_rule)
KIMI = Reading("Kimi Delta Attention", "Kimi Team 2025, arXiv 2510.26692", delta_rule)
MAMBA = Reading("Mamba-2", "Dao and Gu 2024, arXiv 2405.21060", state_space, "hidden_states")

READINGS: dict[str, Reading] = {
    "torch_chunk_gated_delta_rule": DELTA,
    "torch_recurrent_gated_delta_rule": DELTA,
    "chunk_kimi_delta_attention": KIMI,
    "recurrent_kimi_delta_attention": KIMI,
    "mamba2_chunk_scan": MAMBA,
}

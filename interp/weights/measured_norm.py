"""Measured norm: gain, bias and centring of a norm, found from what it does to a few vectors and not from its name."""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.hosts.linear_map import eval_mode, tolerance, wide

SHIFT = 3.0
LOUDER = 1e3  # the norm's epsilon is nothing beside such inputs


@dataclass(frozen=True)
class MeasuredNorm:
    """gain ⊙ (x, less its mean where centred) / its rms + bias; NaN in gain where the module is no such function."""

    gain: Float[Tensor, "width"]
    bias: Float[Tensor, "width"]
    centred: bool


@torch.no_grad()
def measured_norm(module: nn.Module, width: int) -> MeasuredNorm:
    """The norm of `width` numbers that a module computes (LayerNorm, RMSNorm, with gain w or 1 + w, or none)."""
    noise = torch.rand(2, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = LOUDER * balanced(1 + noise[0])
    trial = LOUDER * (noise[1] - 0.25)
    y, opposite, *expected = outputs(module, torch.stack([x, -x, x + LOUDER * SHIFT, trial]))
    bias, gain = (y + opposite) / 2, (y - opposite) / 2 * rms(x) / x
    tests = torch.stack([x + LOUDER * SHIFT, trial])
    candidates = [MeasuredNorm(gain, bias, centred) for centred in (True, False)]
    errors = [float((apply_norm(candidate, tests) - torch.stack(expected)).norm()) for candidate in candidates]
    best = candidates[errors.index(min(errors))]
    lawful = min(errors) <= tolerance(torch.float32) * float(torch.stack(expected).norm())
    gain = best.gain if lawful else torch.full_like(gain, torch.nan)
    stored = next((parameter.dtype for parameter in module.parameters()), torch.float32)
    like = torch.promote_types(stored, torch.float32)
    return MeasuredNorm(gain.to(like), best.bias.to(like), best.centred)


def balanced(sizes: Float[Tensor, "width"]) -> Float[Tensor, "width"]:
    """Numbers of these sizes with alternating signs, moved so that their mean is zero; none of them comes near it."""
    signed = sizes * (1 - 2 * (torch.arange(len(sizes)) % 2))
    return signed - signed.mean()


def outputs(module: nn.Module, inputs: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
    """What the module makes of each row, in double precision as far as it goes, so that 16-bit gains come out exact."""
    if not any(parameter.is_meta for parameter in module.parameters()):
        module = copy.deepcopy(module).to("cpu", torch.float64)
    like = next(module.parameters(), inputs)
    with eval_mode(module):
        return wide(module(inputs.to(like)[None])[0]).double()


def apply_norm(norm: MeasuredNorm, x: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
    """The norm of each row."""
    x = x - x.mean(-1, keepdim=True) if norm.centred else x
    return norm.gain * x / rms(x) + norm.bias


def rms(x: Float[Tensor, "*row width"]) -> Float[Tensor, "*row 1"]:
    """Root mean square."""
    return x.square().mean(-1, keepdim=True).sqrt()

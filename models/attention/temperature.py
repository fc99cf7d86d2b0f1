"""The learned temperatures of selective self-attention (Zhang et al. 2024, arXiv 2411.12892)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def position_temperature(n: Int[Tensor, "*shape"], alpha: Float[Tensor, ""]) -> Float[Tensor, "*shape"]:
    """1 + σ(α) ln n, n the count of visible keys from 1: the paper's definition, float32."""
    return 1 + alpha.float().sigmoid() * n.float().log()


def paper_code_temperature(n: Int[Tensor, "*shape"], beta: Float[Tensor, ""]) -> Float[Tensor, "*shape"]:
    """1 + exp(−exp β) ln n: the form of the published training code, float32."""
    return 1 + (-beta.float().exp()).exp() * n.float().log()


def token_temperature(
    projected: Float[Tensor, "batch pos width"], weight: Float[Tensor, " width"]
) -> Float[Tensor, "batch pos"]:
    """tanh(wᵀ GELU(W x)), where W x is the layer's own query or value projection, float32."""
    return torch.tanh(nn.functional.gelu(projected.float()) @ weight.float())


class Temperature(nn.Module):
    """τ = τ_token + τ_position of one layer's queries or values; larger is spikier.

    weight: w [width], zero at first, absent where tokens do not count; position: α (or β) scalar, zero at first,
    absent for position "none".
    """

    def __init__(self, width: int, position: str, token: bool) -> None:
        super().__init__()
        self.form = position
        self.weight = nn.Parameter(torch.zeros(width)) if token else None
        self.position = nn.Parameter(torch.zeros(())) if position != "none" else None

    def forward(
        self, projected: Float[Tensor, "batch pos width"], n: Int[Tensor, "#batch pos"]
    ) -> Float[Tensor, "batch 1 pos"]:
        """The temperature of each position; one head's worth, as the layer shares it."""
        with torch.autocast(projected.device.type, enabled=False):
            return self._tau(projected, n)[:, None]

    def _tau(
        self, projected: Float[Tensor, "batch pos width"], n: Int[Tensor, "#batch pos"]
    ) -> Float[Tensor, "batch pos"]:
        of_position = {"paper": position_temperature, "paper_code": paper_code_temperature}
        tau = torch.ones(projected.shape[:2], device=projected.device)
        if self.position is not None:
            tau = of_position[self.form](n, self.position).expand(projected.shape[:2])
        if self.weight is not None:
            tau = tau + token_temperature(projected, self.weight)
        return tau

"""Learned temperatures of queries and values (Zhang et al. 2024, arXiv 2411.12892)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headscope.models.attention.shapes import check_temperature
from headscope.models.attention.widening import repeated_kv_heads

TEMPERATURES = ("temperature_q", "temperature_v")
# σ(α) = exp(−exp β) = 0.0025: at 256 tokens a positional temperature is 1.014, and can learn either way.
STILL = {"paper": -6.0, "paper_code": 1.79}


def per_head(
    temperature: Float[Tensor, "#batch kv_or_one pos"], x: Float[Tensor, "batch head pos d_head"]
) -> Float[Tensor, "batch head pos d_head"]:
    """x scaled by a temperature per position, in float32; one head serves all, fewer heads serve groups.

    A GPU's halves are rounded to halves again, for torch's FlashAttention; a processor's stay float32.
    """
    spread = temperature.repeat_interleave(x.shape[1] // temperature.shape[1], dim=1)
    scaled = x * spread.unsqueeze(-1).to(torch.promote_types(x.dtype, torch.float32))
    return scaled if x.device.type == "cpu" else scaled.to(x.dtype)


def tempered(
    q: Float[Tensor, "batch head query d_head"],
    v: Float[Tensor, "batch kv_head key d_value"],
    temperature_q: Float[Tensor, "..."] | None,
    temperature_v: Float[Tensor, "..."] | None,
) -> tuple[Float[Tensor, "batch head query d_head"], Float[Tensor, "batch value_head key d_value"]]:
    """Queries times τ_q, the inverse temperature of their row; values, where they share τ_v with others, times it."""
    if temperature_v is not None and temperature_v.ndim == 3 and temperature_v.shape[1] % v.shape[1] == 0:
        v = repeated_kv_heads(v, max(v.shape[1], temperature_v.shape[1]))
    for name, tau, x in (("temperature_q", temperature_q, q), ("temperature_v", temperature_v, v)):
        if tau is not None:
            check_temperature(name, tau, x)
    return (
        q if temperature_q is None else per_head(temperature_q, q),
        v if temperature_v is None else per_head(temperature_v, v),
    )


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

    @property
    def reads_tokens(self) -> bool:
        """Whether it depends on the token, not on its position alone."""
        return self.weight is not None

    def still(self) -> None:
        """Start at almost 1: a token's part starts at w = 0, which changes nothing, but σ(0) ln n would change much."""
        if self.position is not None:
            nn.init.constant_(self.position, STILL[self.form])

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

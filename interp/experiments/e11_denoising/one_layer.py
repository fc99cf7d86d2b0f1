"""One layer of attention that estimates the signal of a prompt, with or without a temperature of its values."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.attention.attend import attend
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.table import variant_named
from headscope.models.hosts.attention_layer import AttentionLayer

OPTIONS: dict[str, Options] = {"softmax": {}, "selective": {"position": "none", "token": True, "on_query": False}}


class OneLayer(nn.Module):
    """W_O Σ_s a_s τ_v(x_s) W_V x_s, a = softmax(qᵀ W_K x_s / √d_head): one head, one learned query.

    τ_v is 1 for softmax. Weights start with a deviation of 1/√(their input), equal for both variants of a seed.
    """

    def __init__(self, variant: str, d_token: int, d_head: int, d_signal: int, dice: torch.Generator) -> None:
        super().__init__()
        self.variant = variant
        self.query = nn.Parameter(torch.randn(d_head, generator=dice))
        self.W_K = nn.Parameter(torch.randn(d_token, d_head, generator=dice) / d_token**0.5)
        self.W_V = nn.Parameter(torch.randn(d_token, d_head, generator=dice) / d_token**0.5)
        self.W_O = nn.Parameter(torch.randn(d_head, d_signal, generator=dice) / d_head**0.5)
        options = {**variant_named(variant).options, **OPTIONS[variant]}
        self.parts = AttentionLayer(variant, options, LayerShape(1, d_head, d_head), number=0)

    def forward(self, tokens: Float[Tensor, "prompt pos d_token"]) -> Float[Tensor, "prompt d_signal"]:
        """The estimate of every prompt."""
        key, value = tokens @ self.W_K, tokens @ self.W_V
        query = self.query.expand(len(tokens), 1, 1, -1)
        seen = torch.full((1, tokens.shape[1]), tokens.shape[1])
        temper = self.parts.temperature_v
        tau = {} if temper is None else {"temperature_v": temper(value, seen)}
        mixed = attend(self.variant, query, key[:, None], value[:, None], causal=False, need_pattern=False, **tau)
        return mixed.output[:, 0, 0] @ self.W_O

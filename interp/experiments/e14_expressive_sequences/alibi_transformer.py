"""A transformer with ALiBi: LayerNorm, attention whose scores fall with the distance, a ReLU MLP of four widths."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from headscope.models.attention.table import variant_named
from headscope.models.attention.visibility import causal_visible

WIDENING = 4  # of the MLP


def alibi_slopes(heads: int) -> Float[Tensor, "head"]:
    """m of every head: 2^(−8/heads), its square and so on (Press et al. 2022, arXiv 2108.12409)."""
    return 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)


def alibi_bias(heads: int, length: int) -> Float[Tensor, "head query key"]:
    """−m · distance, what is added to the scores; of keys after their query it is 0, and nobody sees them."""
    place = torch.arange(length)
    distance = (place[:, None] - place).clamp(min=0)
    return -alibi_slopes(heads)[:, None, None] * distance


class AlibiAttention(nn.Module):
    """Causal attention of a variant: z = q·k · scale − m · distance, then its weights.

    The scale is 1/√d_head for softmax and 1 for expressive attention, whose z²/(1+z²) its paper does not scale.
    """

    def __init__(self, variant: str, d_model: int, heads: int) -> None:
        super().__init__()
        self.variant, self.heads = variant_named(variant), heads
        self.scale = self.variant.scale_of(self.variant.options, (d_model // heads) ** -0.5)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(d_model, d_model) for _ in range(4))

    def scores(self, hidden: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch head query key"]:
        """What the variant weighs."""
        query, key = self.by_head(self.q_proj(hidden)), self.by_head(self.k_proj(hidden))
        return query @ key.mT * self.scale + alibi_bias(self.heads, hidden.shape[1])

    def forward(self, hidden: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """What its heads write."""
        visible = causal_visible(hidden.shape[1], hidden.shape[1])
        pattern = self.variant.weigh(self.scores(hidden), visible)
        mixed = pattern @ self.by_head(self.v_proj(hidden))
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def by_head(self, projected: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch head pos d_head"]:
        """The same by head."""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class AlibiLayer(nn.Module):
    """Attention, then the MLP, each read through a LayerNorm and added."""

    def __init__(self, variant: str, d_model: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(d_model), AlibiAttention(variant, d_model, heads))
        hidden = WIDENING * d_model
        self.mlp = nn.Sequential(
            nn.LayerNorm(d_model), nn.Linear(d_model, hidden), nn.ReLU(), nn.Linear(hidden, d_model)
        )

    def forward(self, residual: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """The residual after it."""
        residual = residual + self.attention(residual)
        return residual + self.mlp(residual)


class AlibiTransformer(nn.Module):
    """Symbols to logits of the next one; all weights as PyTorch starts them, from a seed and alike for all variants."""

    def __init__(self, variant: str, symbols: int, d_model: int, layers: int, heads: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Embedding(symbols, d_model), *(AlibiLayer(variant, d_model, heads) for _ in range(layers))
            )
            self.unembedding = nn.Sequential(nn.LayerNorm(d_model), nn.Linear(d_model, symbols))

    def forward(self, ids: Int64[Tensor, "example pos"]) -> Float[Tensor, "example pos symbol"]:
        """The logits."""
        return self.unembedding(self.layers(ids))

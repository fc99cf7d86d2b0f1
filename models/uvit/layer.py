"""A block of a U-ViT: a pre-norm transformer layer which, on the way out, first takes in what left its twin."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.models.vit.modeling_vit import ViTLayer

from headscope.models.uvit.config import UViTConfig

Hidden = Float[Tensor, "batch pos d_model"]


class UViTLayer(ViTLayer):
    """transformers' ViT layer, and for a block on the way out the long skip: a linear map of both, concatenated."""

    def __init__(self, config: UViTConfig, *, takes_skip: bool) -> None:
        super().__init__(config)  # type: ignore[arg-type]
        self.skip_linear = nn.Linear(2 * config.hidden_size, config.hidden_size) if takes_skip else None

    def forward(self, hidden_states: Hidden, skip: Hidden | None = None, **kwargs: Any) -> Hidden:  # type: ignore[override]
        """The residuals after the block; skip: those after the block that is as far from the first as this one from
        the last."""
        if self.skip_linear is not None:
            assert skip is not None
            hidden_states = self.skip_linear(torch.cat([hidden_states, skip], dim=-1))
        return super().forward(hidden_states, **kwargs)

"""The tokens of a U-ViT: a class, a time, and the patches of a noisy image, each at a learned position."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headscope.models.uvit.config import UViTConfig

CLASS, TIME, EXTRA = 0, 1, 2  # places of the class and the time token, and how many tokens stand before the patches
LONGEST_PERIOD = 10_000


class Tokens(nn.Module):
    """Class, time and patches, in this order; the class after the last is the null class, of no condition."""

    def __init__(self, config: UViTConfig) -> None:
        super().__init__()
        self.projection = nn.Conv2d(
            config.num_channels, config.hidden_size, kernel_size=config.patch_size, stride=config.patch_size
        )
        self.classes = nn.Embedding(config.null_class + 1, config.hidden_size)
        patches = (config.image_size // config.patch_size) ** 2
        self.positions = nn.Parameter(torch.zeros(1, EXTRA + patches, config.hidden_size))

    def forward(
        self,
        noisy: Float[Tensor, "batch channel row column"],
        timestep: Int[Tensor, "batch"],
        label: Int[Tensor, "batch"],
    ) -> Float[Tensor, "batch pos d_model"]:
        """What enters the first block."""
        patches = self.projection(noisy.to(self.projection.weight.dtype)).flatten(2).transpose(1, 2)
        time = sinusoidal(timestep, patches.shape[-1]).to(patches.dtype)
        return torch.cat([self.classes(label)[:, None], time[:, None], patches], dim=1) + self.positions


def sinusoidal(timestep: Int[Tensor, "batch"], width: int) -> Float[Tensor, "batch width"]:
    """cos and sin of the timestep at frequencies from 1 down to 1/10 000 (Vaswani 2017); an odd width ends in 0."""
    half = width // 2
    frequency = torch.exp(-torch.arange(half, device=timestep.device) * (torch.tensor(LONGEST_PERIOD).log() / half))
    angle = timestep[:, None].float() * frequency
    return nn.functional.pad(torch.cat([angle.cos(), angle.sin()], dim=-1), (0, width % 2))

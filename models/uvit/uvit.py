"""U-ViT (Bao et al. 2022, arXiv 2209.12152): a vision transformer with long skips that predicts the noise in an image.

With Cog attention it is the U-ViC of Lv et al. 2024 (arXiv 2411.07176), who keep softmax in the first and the last
block: `attach(model, AttentionSpec("cog", layers="inner"))`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.models.vit.modeling_vit import ViTAttention
from transformers.utils.generic import ModelOutput
from transformers.utils.output_capturing import capture_outputs

from headscope.models.uvit.config import UViTConfig
from headscope.models.uvit.layer import UViTLayer
from headscope.models.uvit.tokens import EXTRA, Tokens


@dataclass
class PredictedNoise(ModelOutput):
    """noise [batch, channel, row, column]; hidden_states and attentions of every block where they were asked for."""

    noise: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None

    @property
    def logits(self) -> Tensor | None:
        """The noise, by the name under which transformer-lens asks any model for its answer."""
        return self.noise


class UViT(PreTrainedModel):
    """Class, time and patch tokens through blocks in, one between, and blocks out, each joined to its twin by a skip.

    The last patch tokens become pixels by a linear map, which a 3 × 3 convolution smooths. Attention goes through
    transformers' attention interface, so that `attach` puts any variant into the blocks, numbered in order.
    """

    config_class = UViTConfig
    base_model_prefix = "uvit"
    main_input_name = "pixel_values"
    _supports_sdpa = True
    _supports_attention_backend = True
    _can_record_outputs = {"hidden_states": UViTLayer, "attentions": ViTAttention}  # noqa: RUF012
    config: UViTConfig

    def __init__(self, config: UViTConfig) -> None:
        super().__init__(config)
        blocks, half = config.num_hidden_layers, config.num_hidden_layers // 2
        self.embeddings = Tokens(config)
        self.layers = nn.ModuleList(UViTLayer(config, takes_skip=number > half) for number in range(blocks))
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.to_patch = nn.Linear(config.hidden_size, config.num_channels * config.patch_size**2)
        self.smooth = nn.Conv2d(config.num_channels, config.num_channels, kernel_size=3, padding=1)
        self.post_init()

    @classmethod
    def from_config(cls, config: UViTConfig, **kwargs: object) -> "UViT":
        """A fresh model, as transformers' Auto classes make theirs."""
        return cls._from_config(config, **kwargs)

    @capture_outputs(tie_last_hidden_states=False)
    def forward(
        self,
        pixel_values: Float[Tensor, "batch channel row column"],
        timestep: Int[Tensor, "batch"],
        label: Int[Tensor, "batch"] | None = None,
        **kwargs: object,
    ) -> PredictedNoise:
        """The noise in noisy images at their timesteps; without labels, of the null class."""
        if label is None:
            label = torch.full_like(timestep, self.config.null_class)
        hidden = self.embeddings(pixel_values, timestep, label)
        kept: list[Tensor] = []
        half = len(self.layers) // 2
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden, skip=kept.pop(), **kwargs) if number > half else layer(hidden, **kwargs)
            if number < half:
                kept.append(hidden)
        patches = self.to_patch(self.layernorm(hidden))[:, EXTRA:]
        return PredictedNoise(noise=self.smooth(image_from_patches(patches, self.config)))

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """As transformers does; convolutions and the classes as torch does, as in the paper's code."""
        if isinstance(module, nn.Conv2d | nn.Embedding):
            module.reset_parameters()
            return
        super()._init_weights(module)
        if isinstance(module, Tokens):
            init.trunc_normal_(module.positions, std=self.config.initializer_range)


def image_from_patches(
    patches: Float[Tensor, "batch patch pixels"], config: UViTConfig
) -> Float[Tensor, "batch channel row column"]:
    """The image that its patches make, row by row; a patch's pixels come row by row, channels last."""
    size = config.patch_size
    side = config.image_size // size
    tiles = patches.unflatten(2, (size, size, config.num_channels)).unflatten(1, (side, side))
    return tiles.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)

"""The config of a U-ViT: plain numbers, as config.json holds them."""

from typing import no_type_check

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig


@no_type_check  # strict checks the fields, and a config takes transformers' own besides
@strict
class UViTConfig(PreTrainedConfig):
    """Sizes of a U-ViT under the names of transformers' ViT; num_labels counts the classes without the null class.

    num_hidden_layers is odd: as many blocks on the way in as on the way out, and one between. timesteps: how many
    steps of noise it was trained on. Raises ValueError for an even number of blocks and for patches that do not fit.
    """

    model_type = "uvit"

    hidden_size: int = 512
    num_hidden_layers: int = 13
    num_attention_heads: int = 8
    intermediate_size: int = 2048
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.0
    attention_probs_dropout_prob: float | int = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    image_size: int = 32
    patch_size: int = 2
    num_channels: int = 4
    qkv_bias: bool = False
    timesteps: int = 1000

    def __post_init__(self, **kwargs: object) -> None:
        if self.num_hidden_layers % 2 == 0:
            raise ValueError(
                f"a U-ViT has an odd number of blocks, one between in and out; got {self.num_hidden_layers}"
            )
        if self.patch_size < 1 or self.image_size % self.patch_size:
            raise ValueError(f"patches of {self.patch_size} pixels do not tile an image of {self.image_size}")
        super().__post_init__(**kwargs)

    @property
    def null_class(self) -> int:
        """The label of no class, which is the number of classes."""
        return len(self.id2label or ())

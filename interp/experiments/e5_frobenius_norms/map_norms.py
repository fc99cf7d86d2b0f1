"""Norms of the maps of heads: ‖A‖_F‖W_OV‖_F, which stays as it is where W_V takes over a factor of A."""

from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from headscope.models.data.images.classifying import digit_split
from headscope.models.data.table import fields_of
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Measure
from headscope.models.hosts.execution_device import execution_device
from headscope.models.hosts.families import layer_modules
from headscope.models.training.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator

LOOKED_AT, AT_ONCE = 16, 4  # images that norms are measured on, and of these in one forward pass


def map_norm_readings(recipe: Recipe) -> Measure:
    """The norm of every layer as map_norm_0, map_norm_1, …, on the first of the held-out images of a recipe."""
    images = digit_split(fields_of(recipe.data)).validation.images[:LOOKED_AT]

    def measure(accelerator: "Accelerator", model: nn.Module) -> Record:
        norms = map_norms(cast(PreTrainedModel, model), images.to(execution_device(model)))
        return {f"map_norm_{layer}": norm for layer, norm in enumerate(norms.tolist())}

    return measure


@torch.no_grad()
def map_norms(model: PreTrainedModel, images: Float[Tensor, "image channel row column"]) -> Float[Tensor, "layer"]:
    """‖A‖_F‖W_OV‖_F of every layer of a vision transformer, mean over images and heads.

    That is the Frobenius norm of what a head does to all tokens at once at a fixed pattern, X → A X W_OV. Law: A
    times c and W_V over c leave it as it is, and so do a norm's gain times c and W_Q, W_K, W_V over c.
    """
    by_image = torch.cat([pattern_norms(model, part) for part in images.split(AT_ONCE)])
    of_weights = torch.stack([ov_norms(layer) for layer in layer_modules(model)])
    return (by_image * of_weights).mean((0, 2))


def pattern_norms(
    model: PreTrainedModel, images: Float[Tensor, "image channel row column"]
) -> Float[Tensor, "image layer head"]:
    """‖A‖_F of every head on every image."""
    patterns = model(pixel_values=images, output_attentions=True).attentions
    return torch.stack([pattern.float().flatten(2).norm(dim=-1) for pattern in patterns], 1)


def ov_norms(layer: Any) -> Float[Tensor, "head"]:
    """‖W_V W_O‖_F of every head of a ViT's layer; W_V holds the gain of the norm before it, and its centring."""
    attention, gain = layer.attention, layer.layernorm_before.weight
    W_V = attention.v_proj.weight.T * gain[:, None]
    by_head = (W_V - W_V.mean(0)).unflatten(1, (attention.num_attention_heads, -1)).transpose(0, 1)
    W_O = attention.o_proj.weight.T.unflatten(0, (attention.num_attention_heads, -1))
    return (by_head @ W_O).flatten(1).norm(dim=-1)

"""What is measured of a vision transformer while it is trained: ‖A‖_F/√N and gradients of every layer."""

from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from headscope.models.data.images.classifying import classification_loss, labelled_batch
from headscope.models.data.images.digits import digits
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Batch
from headscope.models.hosts.families import attention_modules

if TYPE_CHECKING:
    from accelerate import Accelerator

LOOKED_AT = 64  # images that norms and gradients are measured on


def norms_and_gradients(accelerator: "Accelerator", model: nn.Module) -> Record:
    """By layer, on the first of the held-out images."""
    few = {name: values[:LOOKED_AT] for name, values in labelled_batch(digits().validation, model).items()}
    norms = {f"norm_{at}": item for at, item in enumerate(frobenius_norms(model, few["images"]))}
    return norms | {
        f"gradient_{at}": item for at, item in enumerate(score_gradients(cast(PreTrainedModel, model), few))
    }


@torch.no_grad()
def frobenius_norms(model: nn.Module, images: Float[Tensor, "image channel row column"]) -> list[float]:
    """‖A‖_F/√N of every layer, mean over images and heads."""
    patterns = model(pixel_values=images, output_attentions=True).attentions
    return [(pattern.float().flatten(2).norm(dim=-1) / pattern.shape[-1] ** 0.5).mean().item() for pattern in patterns]


def score_gradients(model: PreTrainedModel, batch: Batch) -> list[float]:
    """‖∂loss/∂(W_Q, W_K)‖ of every layer."""
    weights = [[module.q_proj.weight, module.k_proj.weight] for module in attention_modules(model)]
    with torch.enable_grad():
        loss = classification_loss(model, batch)
        flat = torch.autograd.grad(loss, [entry for layer in weights for entry in layer])
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [torch.cat([entry.flatten() for entry in pair]).norm().item() for pair in pairs]

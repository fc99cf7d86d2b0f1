"""What is measured of a vision transformer while it is trained: accuracy, ‖A‖_F/√N and gradients of every layer."""

from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from headscope.models.data.images.digits import digits
from headscope.models.fitting.fit import step_seed
from headscope.models.fitting.history import Record
from headscope.models.fitting.objective import Batch, Objective
from headscope.models.hosts.families import attention_modules

LOOKED_AT = 64  # images that norms and gradients are measured on


def vision_objective(batch: int, seed: int) -> Objective:
    """Digits drawn by seed and step, their cross entropy, and what is measured on those held out."""
    split = digits()

    def drawn(step: int) -> dict[str, Tensor]:
        dice = torch.Generator().manual_seed(step_seed(seed, step, 0))
        places = torch.randint(len(split.training), (batch,), generator=dice)
        return {"images": split.training.images[places], "labels": split.training.labels[places]}

    def measured(accelerator: Accelerator, model: nn.Module) -> Record:
        device = accelerator.device
        held_out = {"images": split.validation.images.to(device), "labels": split.validation.labels.to(device)}
        return measurements(model, held_out)

    return Objective(drawn, classification_loss, measured, unit="images", per_step=batch)


def classification_loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    """Mean nats of the right classes."""
    return cross_entropy(model(pixel_values=batch["images"]).logits.float(), batch["labels"])


def measurements(model: nn.Module, held_out: Batch) -> Record:
    """Accuracy on all images; norms and gradients on the first of them, by layer."""
    with torch.no_grad():
        logits = model(pixel_values=held_out["images"]).logits
        accuracy = (logits.argmax(-1) == held_out["labels"]).float().mean().item()
    few = {name: values[:LOOKED_AT] for name, values in held_out.items()}
    found = {f"norm_{at}": one for at, one in enumerate(frobenius_norms(model, few["images"]))}
    found |= {f"gradient_{at}": one for at, one in enumerate(score_gradients(model, few))}
    return {"accuracy": accuracy, "validation_loss": cross_entropy(logits, held_out["labels"]).item(), **found}


@torch.no_grad()
def frobenius_norms(model: nn.Module, images: Float[Tensor, "image channel row column"]) -> list[float]:
    """‖A‖_F/√N of every layer, mean over images and heads."""
    patterns = model(pixel_values=images, output_attentions=True).attentions
    return [(one.float().flatten(2).norm(dim=-1) / one.shape[-1] ** 0.5).mean().item() for one in patterns]


def score_gradients(model: Any, batch: Batch) -> list[float]:
    """‖∂loss/∂(W_Q, W_K)‖ of every layer."""
    weights = [[module.q_proj.weight, module.k_proj.weight] for module in attention_modules(model)]
    with torch.enable_grad():
        loss = classification_loss(model, batch)
        flat = torch.autograd.grad(loss, [one for layer in weights for one in layer])
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [torch.cat([one.flatten() for one in pair]).norm().item() for pair in pairs]

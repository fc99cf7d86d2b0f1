"""Number formats around a training: 16-bit weights are widened for it, and those that stayed get theirs back."""

import torch
from torch import nn
from transformers import PreTrainedModel

Formats = dict[str, torch.dtype]


def widen_weights(model: nn.Module) -> Formats:
    """Make 16-bit weights float32, in place and exactly; gives the formats they had."""
    before = {name: item.dtype for name, item in model.named_parameters()}
    for parameter in model.parameters():
        if parameter.dtype in (torch.float16, torch.bfloat16):
            parameter.data = parameter.data.float()
    return before


def narrow_weights(model: PreTrainedModel, formats: Formats) -> PreTrainedModel:
    """Give weights that could not learn the formats they had, in place: exact, as they are what they were."""
    for name, item in model.named_parameters():
        if name in formats and not item.requires_grad:
            item.data = item.data.to(formats[name])
    return model

"""Number formats around a training: 16-bit weights are widened for it, and those that stayed get theirs back."""

from typing import Any

import torch
from transformers import PreTrainedModel

Formats = dict[str, torch.dtype]


def widened(model: Any) -> Formats:
    """Make 16-bit weights float32, in place and exactly; gives the formats they had."""
    before = {name: one.dtype for name, one in model.named_parameters()}
    for one in model.parameters():
        if one.dtype in (torch.float16, torch.bfloat16):
            one.data = one.data.float()
    return before


def narrowed(model: PreTrainedModel, formats: Formats) -> PreTrainedModel:
    """Give weights that could not learn the formats they had, in place: exact, as they are what they were."""
    for name, one in model.named_parameters():
        if name in formats and not one.requires_grad:
            one.data = one.data.to(formats[name])
    return model

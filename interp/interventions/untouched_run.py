"""Untouched run: what the heads mix in some prompts and what the model then predicts, nothing else kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens

Z = "attn.hook_z"


@dataclass(frozen=True)
class UntouchedRun:
    """What the heads mixed in some prompts, and the logits after the last position."""

    z: Float[Tensor, "layer prompt pos head d_head"]
    last_logits: Float[Tensor, "prompt vocab"]


def untouched_run(model: HookedModel, prompts: Sequence[PromptTokens], batch_size: int) -> UntouchedRun:
    """Prompts of one length, at most batch_size of them in a forward pass."""
    z, last = [], []
    for some in batches(prompts, batch_size, lambda prompt: len(prompt.ids)):
        for run in gathered_activations(model, some, [Z]):
            z.append(run[Z])
            last.append(run.logits[-1].clone())
    return UntouchedRun(torch.stack(z, 1), torch.stack(last))

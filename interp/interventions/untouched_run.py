"""Untouched run: what the heads mix in some prompts, the stream that is read out, and what the model then predicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.kept_run import RESIDUAL
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked.patternless import patternless

Z = "attn.hook_z"


@dataclass(frozen=True)
class UntouchedRun:
    """What the heads mixed in some prompts, the residual stream where they are read out, and the answers there."""

    z: Float[Tensor, "layer prompt pos head d_head"]
    residual: Float[Tensor, "layer prompt d_model"]
    last_logits: Float[Tensor, "prompt vocab"]


def untouched_run(model: HookedModel, prompts: Sequence[PromptTokens], batch_size: int) -> UntouchedRun:
    """Prompts of one length, at most batch_size of them in a forward pass."""
    z, residual, last = [], [], []
    for some in batches(prompts, batch_size, lambda prompt: len(prompt.ids)):
        with patternless():
            runs = gathered_activations(model, some, [Z, RESIDUAL])
        for run in runs:
            z.append(run[Z])
            residual.append(run[RESIDUAL][:, run.tokens.read_out].clone())
            last.append(run.logits[-1].clone())
    return UntouchedRun(torch.stack(z, 1), torch.stack(residual, 1), torch.stack(last))

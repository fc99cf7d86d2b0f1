"""Token streams: the residuals of all tokens at every depth, of prompts of one length in one pass."""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel, looks_back, module_of
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device


@torch.no_grad()
def token_streams(model: HookedModel, prompts: Sequence[Sequence[int]]) -> Float[Tensor, "prompt depth pos d_model"]:
    """What enters the first layer and what leaves each, in one pass, on the CPU, float32 at least.

    Hooks are state: the caller lets one run in at a time.
    """
    rows: dict[str, Tensor] = {}

    def keep(place: str, residual: Float[Tensor, "prompt pos d_model"], hook: object) -> None:
        rows[place] = at_least_float32(residual.detach().cpu())

    places = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    ids = torch.tensor(prompts, device=execution_device(module_of(model)))
    few = {"logits_to_keep": 1} if looks_back(model) else {}
    with patternless():
        model.run_with_hooks(ids, fwd_hooks=[(place, partial(keep, place)) for place in places], **few)
    return torch.stack([rows[place] for place in places], 1)

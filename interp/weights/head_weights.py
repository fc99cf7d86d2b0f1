"""Head weights: the matrices of every head, read from a hooked model and held against what it does in a trial run."""

from dataclasses import replace

import torch

from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.trial_run import trial_run
from headscope.interp.weights.weight_laws import READS, misread, with_factors
from headscope.interp.weights.weight_reading import weights_of_modules
from headscope.models.hosts.execution_device import floating_dtype
from headscope.models.hosts.linear_map import tolerance

__all__ = ["HeadWeights", "head_weights"]


@torch.no_grad()
def head_weights(model: HookedModel) -> HeadWeights:
    """The matrices of a hooked model (a TransformerBridge whose weights were not processed); the model stays as it is.

    Law: (resid_pre / ln1.hook_scale) W_Q + b_Q is hook_q, and (resid_post / ln_final.hook_scale) W_U + b_U the logits
    before any soft cap. These and their kin are tried in one small forward pass, and those that fail are named in
    `misread`. Norms are measured, and adapters on projections count. Hooks are state: the caller lets one run in at a
    time. Raises ValueError where accelerate keeps weights on a disk.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        raise ValueError(
            "the matrices of heads are read from weights in memory, and some lie on a disk: load them whole"
        )
    soft_cap = getattr(model.original_model.config, "final_logit_softcapping", None)
    run, near = trial_run(model, READS), tolerance(floating_dtype(module_of(model)))
    weights = with_factors(weights_of_modules(model), run, near, soft_cap)
    return replace(weights, misread=misread(weights, run, near, soft_cap))

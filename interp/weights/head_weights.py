"""Head weights: the matrices of every head, read from a hooked model and held against what it does in a trial run."""

from dataclasses import fields, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.trial_run import trial_run
from headscope.interp.weights.weight_laws import READS, misread, with_factors
from headscope.interp.weights.weight_reading import weights_of_modules
from headscope.interp.weights.weight_state import place_and_count, weight_state
from headscope.models.hosts.execution_device import floating_dtype
from headscope.models.hosts.linear_map import tolerance

__all__ = ["HeadWeights", "head_weights"]


State = tuple[object, ...]
READ: WeakKeyDictionary[nn.Module, tuple[State, HeadWeights]] = WeakKeyDictionary()


def head_weights(model: HookedModel) -> HeadWeights:
    """The matrices of a hooked model (a TransformerBridge whose weights were not processed); the model stays as it is.

    A view of a model has its own.
    Read once and kept as long as the model, until its weight_state is another. W_E is the model's own memory where
    that is in float32 on the CPU: write into a copy.

    Law: (resid_pre / ln1.hook_scale) W_Q + b_Q is hook_q, and (resid_post / ln_final.hook_scale) W_U + b_U the logits
    before any soft cap. These and their kin are tried in one small forward pass, and those that fail are named in
    `misread`. Norms are measured, and adapters on projections count. Hooks are state: the caller lets one run in at a
    time. Raises ValueError where accelerate keeps weights on a disk.
    """
    if isinstance(own := getattr(model, "head_weights", None), HeadWeights):
        return own
    if any(parameter.is_meta for parameter in model.parameters()):
        raise ValueError(
            "the matrices of heads are read from weights in memory, and some lie on a disk: load them whole"
        )
    module = module_of(model)
    state = weight_state(module)
    before, weights = READ.get(module, (None, None))
    if weights is None or before != (*state, *matrices_state(weights)):
        weights = weights_as_read(model)
        READ[module] = ((*state, *matrices_state(weights)), weights)
    return weights


def matrices_state(weights: HeadWeights) -> State:
    """Of matrices that were handed out, whether somebody wrote into them."""
    values = (getattr(weights, field.name) for field in fields(weights))  # not what was computed of them since
    return tuple(place_and_count(value) for value in values if isinstance(value, Tensor))


@torch.no_grad()
def weights_as_read(model: HookedModel) -> HeadWeights:
    """The matrices with the model's factors, and those that it does not compute with."""
    soft_cap = getattr(model.original_model.config, "final_logit_softcapping", None)
    run, near = trial_run(model, READS), tolerance(floating_dtype(module_of(model)))
    weights = with_factors(weights_of_modules(model), run, near, soft_cap)
    return replace(weights, misread=misread(weights, run, near, soft_cap))

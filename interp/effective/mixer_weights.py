"""Mixer weights: the matrix with which a mixer's heads write, held against what the model does with it."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.effective.mixer_layer import output_weights
from headscope.interp.reading.activations import Activations, gathered_activations, has_hook
from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.trial_run import trial_prompt
from headscope.interp.weights.weight_laws import LAWS, relative_error
from headscope.models.hosts.execution_device import floating_dtype
from headscope.models.hosts.linear_map import tolerance
from headscope.models.mixers.places import MixerPlace

OF_MODEL = ("W_E", "W_U")
UNKNOWN = "layers without attention read the residual stream by a way that no matrix is"
Z, BEFORE, AFTER = "attn.hook_z", "hook_resid_pre", ("hook_resid_mid", "hook_resid_post")


def mixer_weights(
    of_model: HeadWeights, mixers: HookedModel, places: Sequence[MixerPlace], sizes: tuple[int, int]
) -> HeadWeights:
    """W_O of every head of mixers that stand for attention, and of the model W_E and W_U; the others are NaN.

    sizes: of heads, and of their values. misread: W_O where the sum of z W_O is not what the layers write, which is
    tried in one small pass; and all that is not known.
    """
    W_O = torch.stack([output_weights(place, sizes[0]) for place in places])
    after = next(name for name in AFTER if has_hook(mixers, name))
    [run] = gathered_activations(mixers, [trial_prompt(mixers)], [Z, BEFORE, after])
    near = tolerance(floating_dtype(module_of(mixers)))
    unknown = {name: UNKNOWN for name in LAWS if name not in ("W_O", *OF_MODEL)}
    of_both = {name: words for name, words in of_model.misread.items() if name in OF_MODEL}
    return replace(
        of_model,
        W_O=W_O,
        **unknown_matrices(len(places), sizes, len(W_O[0, 0, 0])),
        misread=unknown | of_both | misread_output(W_O, run, after, near),
        head_layers=tuple(place.number for place in places),
    )


def misread_output(
    W_O: Float[Tensor, "layer head d_value d_model"], run: Activations, after: str, near: float
) -> dict[str, str]:
    """How W_O is not what the layers write with, by its name, or nothing; against the mean over positions."""
    mine = torch.einsum("lphe,lhem->lpm", run[Z], W_O)
    theirs = run.at_heads(after) - run.at_heads(BEFORE)
    off = relative_error(*(side - side.mean(1, keepdim=True) for side in (mine, theirs)))
    return {} if off <= near else {"W_O": f"the sum of z W_O is {off:.1%} off what layers write before {after}"}


def unknown_matrices(layers: int, sizes: tuple[int, int], d_model: int) -> dict[str, Tensor]:
    """What a mixer has no matrix for, as NaN without memory."""
    heads, d_value = sizes
    shapes = dict.fromkeys(("W_Q", "W_K", "W_V"), (layers, heads, d_model, d_value))
    shapes |= dict.fromkeys(("b_Q", "b_K", "b_V"), (layers, heads, d_value))
    return {name: torch.tensor(torch.nan).expand(shape) for name, shape in shapes.items()}

"""Attribution patching: the effect of every patch at once, estimated by a gradient times a difference."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.attribution.patching import PLACES, UNIT, Patching, ends_of, patching_of
from headscope.interp.reading.activations import gathered_activations, hook_names
from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.reading.prompt import logits_by_position
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.results.about import About
from headscope.models.attention.run import at_least_float32
from headscope.models.hosts.execution_device import execution_device

GRADIENT = About(
    title="Attribution patching",
    unit=UNIT,
    law="(clean − corrupt activation) · ∂LD/∂activation at the corrupt prompt, over LD clean − LD corrupt: activation "
    "patching to first order; a signed kernel jumps where a score is 0, which no gradient sees",
    source="Nanda 2023, Attribution Patching",
    null="a step of the same size in a random direction (exact mean 0 and standard deviation)",
    by_gauge={"basis": ("head_null_spread",)},
    plain="What activation patching would find, estimated for all places at once from one gradient. Quick and rough: "
    "it sees a straight line where the model bends.",
)


def attribution_patching(model: HookedModel, pair: PromptPair) -> Patching:
    """Three forward passes and one backward pass; gradients by transformer-lens.

    Hooks are state: the caller lets one run in at a time.
    """
    from transformer_lens.tools.analysis.attribution_patching import cache_activation_and_gradient

    [clean] = gathered_activations(model, [pair.clean], list(PLACES.values()))
    places = {name: hook_names(model, place) for name, place in PLACES.items()}
    ids = torch.tensor([pair.corrupt.ids], device=execution_device(module_of(model)))
    wanted = [place for of_name in places.values() for place in of_name]

    def answered(output: Float[Tensor, "1 pos vocab"]) -> Float[Tensor, ""]:
        return pair.difference(logits_by_position(model, output, [pair.corrupt]))[0]

    with torch.enable_grad():
        run = cache_activation_and_gradient(model, ids, answered, wanted)
    between = ends_of(model, pair)
    fields = {}
    for name, of_name in places.items():
        step = clean[PLACES[name]] - stacked_layers(run.activations, of_name)
        slope = stacked_layers(run.gradients, of_name) / between.gap
        if name == "head":
            step, slope = (x.transpose(1, 2).flatten(2) for x in (step, slope))
        fields[name] = (step * slope).sum(-1)
        fields[f"{name}_null"] = torch.zeros_like(fields[name])
        fields[f"{name}_null_spread"] = step.norm(dim=-1) * slope.norm(dim=-1) / step.shape[-1] ** 0.5
    return patching_of(pair, between, GRADIENT, fields, clean.head_layers)


def stacked_layers(result: Mapping[str, Tensor | None], places: list[str]) -> Float[Tensor, "layer pos ..."]:
    """One prompt's tensors of every layer on the CPU, float32 at least."""
    tensors = [tensor for place in places if (tensor := result[place]) is not None]
    return torch.stack([at_least_float32(tensor[0].cpu()) for tensor in tensors])

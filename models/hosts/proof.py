"""Proof: a model runs on a few tokens, and what a variant needs of it is seen to be so before anybody relies on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from headscope.models.attention.temperature import TEMPERATURES
from headscope.models.hosts.attention_layer import AttentionLayer, layer_on
from headscope.models.hosts.carried import unguarded
from headscope.models.hosts.families import attention_modules, layer_shape, modality_of
from headscope.models.hosts.linear_map import eval_mode, tolerance
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.foreign_input import foreign_input
from headscope.models.seam.call_arguments import Keywords
from headscope.models.seam.model_pass import HOOKS, Hooks
from headscope.models.seam.own_attention import set_implementation
from headscope.models.seam.watched_calls import Call, watched_calls

EDITED = ("hook_attn_scores", "hook_pattern")
Logits = Float[Tensor, "batch *answer"]


@torch.no_grad()
def refuse_unproved(model: PreTrainedModel) -> None:
    """Raise ValueError unless the model that carries a variant computes with what its layers give it.

    Every layer asks for its attention once in a forward pass, and the logits are finite; with softmax in every layer
    they are the eager model's, and an edit of any layer's scores or pattern moves them. Four small forward passes.
    """
    name, names = type(model).__name__, attention_names(model)
    layers = {module.variant.number: module.variant for module in attention_modules(model)}
    with eval_mode(model):
        trial, calls = modality_of(model).trial(model.config), list[Call]()
        with watched_calls(calls.append):
            logits = logits_of(model, trial)
        refuse_other_calls(name, [call.layer for call in calls], names)
        refuse_lost_temperatures(name, calls, layers)
        if not logits.isfinite().all():
            raise ValueError(f"a {name} with {calls[0].variant.name} gives logits that are not finite")
        with softmax_everywhere(model):
            softmax = logits_of(model, trial)
            refuse_other_function(name, softmax, eager_logits(model, trial), tolerance(model.dtype))
            refuse_deaf_layers(name, edited_logits(model, trial, list(names)), list(names.values()))


def attention_names(model: PreTrainedModel) -> dict[int, str]:
    """What the attention modules are called, by the numbers of their layers."""
    names = {module: name for name, module in model.named_modules()}
    return {module.variant.number: names[module] for module in attention_modules(model)}


def logits_of(model: PreTrainedModel, inputs: Keywords) -> Logits:
    """What the model answers, float32 at least."""
    with foreign_input(f"a forward pass of a few tokens through a {type(model).__name__} fails"):
        return model(**inputs)[0].float()


def refuse_other_calls(name: str, layers: list[int], names: dict[int, str]) -> None:
    """Raise ValueError unless every layer asks for its attention once."""
    for layer, place in names.items():
        if (times := layers.count(layer)) != 1:
            raise ValueError(
                f"a {name} asks for the attention of {place} {times} times in one forward pass of a prompt, and a "
                "variant is one map from scores to weights, used once"
            )


def refuse_lost_temperatures(name: str, calls: list[Call], layers: dict[int, AttentionLayer]) -> None:
    """Raise ValueError where a layer's learned temperature does not reach its attention."""
    for call in calls:
        for part in TEMPERATURES:
            if getattr(layers[call.layer], part) is not None and call.options.get(part) is None:
                raise ValueError(f"{part} of layer {call.layer} does not reach the attention of a {name}")


def refuse_other_function(name: str, softmax: Logits, eager: Logits, near: float) -> None:
    """Raise ValueError where softmax in every layer is not what transformers computes."""
    off = float((softmax - eager).norm() / eager.norm())
    if not off <= near:
        raise ValueError(
            f"a {name} is more than its attention function says: with softmax in every layer its logits are {off:.1%} "
            "off those of transformers' own attention"
        )


def edited_logits(model: PreTrainedModel, trial: Keywords, layers: list[int]) -> Logits:
    """In one pass: a row untouched, then one for each layer whose scores are changed, then one for each pattern."""
    places = [(name, layer) for name in EDITED for layer in layers]
    rows = 1 + len(places)

    def edit(layer: int, name: str, value: Tensor) -> Tensor:
        if name in EDITED:
            value = value.clone()
            row = 1 + places.index((name, layer))
            value[row] = value[row] * 0.5 + (0.25 if name == "hook_pattern" else 0.0)
        return value

    wide = {
        key: value.repeat_interleave(rows, 0) if isinstance(value, Tensor) else value for key, value in trial.items()
    }
    with HOOKS.set_to(Hooks(edit)):
        return logits_of(model, wide)


def refuse_deaf_layers(name: str, logits: Logits, names: list[str]) -> None:
    """Raise ValueError where an edit of a layer leaves the logits as they were."""
    moved = [bool((row != logits[0]).any()) for row in logits[1:]]
    if not all(moved):
        kind, layer = divmod(moved.index(False), len(names))
        raise ValueError(
            f"a {name} does not answer to {EDITED[kind]} of {names[layer]}: an edit leaves its logits as they were"
        )


def eager_logits(model: PreTrainedModel, trial: Keywords) -> Logits:
    """The logits of transformers' own attention."""
    ours = str(model.config._attn_implementation)
    set_implementation(model, "eager")
    try:
        with unguarded():
            return logits_of(model, trial)
    finally:
        set_implementation(model, ours)


@contextmanager
def softmax_everywhere(model: PreTrainedModel) -> Iterator[None]:
    """The model with softmax in the place of every layer's variant."""
    modules = list(attention_modules(model))
    layers = [module.variant for module in modules]
    try:
        for module, layer in zip(modules, layers, strict=True):
            module.variant = layer_on(module, AttentionSpec("softmax"), layer_shape(model, module), layer.number)
        yield
    finally:
        for module, layer in zip(modules, layers, strict=True):
            module.variant = layer

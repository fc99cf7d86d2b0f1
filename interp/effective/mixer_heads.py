"""Mixer heads: a hybrid's layers without attention as a hooked model whose heads are those of its mixers."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from headscope.interp.effective.layer_mixing import LayerMixing
from headscope.interp.effective.mixer_layer import layer_mixing, mixer_places
from headscope.interp.effective.mixer_weights import mixer_weights
from headscope.interp.reading.activations import OF_ATTENTION, OF_MIXERS
from headscope.interp.reading.hooked_model import Hook, HookedModel
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.head_weights import head_weights
from headscope.interp.weights.trial_run import trial_prompt, undisturbed
from headscope.models.mixers.places import MixerPlace
from headscope.models.mixers.watched import MixerCall, watched_mixers


@dataclass(frozen=True)
class MixerAttention:
    """A mixer where an analysis looks for attention: it sees back, and its rows come from its hooks alone."""

    is_causal: bool = True
    needs_pattern: bool = True
    layer: None = None


@dataclass(frozen=True)
class MixerBlock:
    """A block, whose mixer stands where others have attention."""

    attn: MixerAttention | None

    @property
    def submodules(self) -> dict[str, MixerAttention]:
        """Its parts that an analysis asks for."""
        return {} if self.attn is None else {"attn": self.attn}


class MixerHeads:
    """A hooked hybrid in which the mixers that are known stand for attention, and layers with attention have no heads.

    hook_pattern: the effective pattern before gates, so that (hook_pattern @ hook_v) ⊙ hook_gate is hook_z, what W_O
    reads. hook_v: the values as mixed. hook_gate: gates and norms of the output, their scale frozen.
    hook_attn_scores: 0 where a key is seen, the lowest number where it is not. They are read, and not edited: what a
    hook returns for one of them is refused. Hooks outside of attention are the model's own.
    """

    def __init__(self, model: HookedModel) -> None:
        """Raises ValueError for a model without such layers, and where their heads differ in number or size."""
        self.viewed, self.places = model, mixer_places(model)
        if not self.places:
            raise ValueError(
                "this model has no layer that mixes tokens by Gated DeltaNet, Kimi Delta Attention, Mamba-2 or "
                "lightning attention: analyse its heads"
            )
        self.heads, self.d_value = heads_of_mixers(model, self.places)
        self.cfg: Any = copy(model.cfg)
        self.cfg.n_heads = self.cfg.n_key_value_heads = self.heads
        self.cfg.d_head = self.cfg.d_value = self.d_value
        numbers = range(model.cfg.n_layers)
        self.blocks = [MixerBlock(MixerAttention() if number in self.places else None) for number in numbers]
        own = {f"blocks.{number}.{name}": HookPoint() for number in self.places for name in OF_MIXERS}
        self.hook_dict = {**{name: hook for name, hook in model.hook_dict.items() if not is_of_attention(name)}, **own}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.viewed, name)

    @property
    def tokenizer(self) -> Any:
        """The model's."""
        return self.viewed.tokenizer

    def parameters(self) -> Iterator[nn.Parameter]:
        """The model's."""
        return self.viewed.parameters()

    @cached_property
    def facts(self) -> ModelFacts:
        """The model's facts, of its mixers in the place of attention."""
        return mixer_facts(model_facts(self.viewed), self.places, self.heads)

    @cached_property
    def head_weights(self) -> HeadWeights:
        """W_O of every mixer head, and what it has from the model; no other matrix of a mixer is known."""
        with undisturbed(self.viewed):
            return mixer_weights(head_weights(self.viewed), self, [*self.places.values()], (self.heads, self.d_value))

    @torch.no_grad()
    def run_with_hooks(self, batch: Any, *args: Any, fwd_hooks: Sequence[Hook] = (), **kwargs: Any) -> Any:
        """One pass of the model; hooks of mixers are called when it is over, with all prompts of the batch."""
        others = [hook for hook in fwd_hooks if not is_of_attention(hook[0])]
        own = [hook for hook in fwd_hooks if is_of_attention(hook[0])]
        numbers = {int(name.split(".")[1]) for name, _ in own}
        with watched_mixers([self.places[number] for number in sorted(numbers)]) as calls:
            output = self.viewed.run_with_hooks(batch, *args, fwd_hooks=others, **kwargs)
        for call in calls:
            names = [(name.rpartition(".")[2], act) for name, act in own if f".{call.place.number}." in name]
            call_hooks(call, len(batch), names)
        return output


def mixers(model: HookedModel) -> MixerHeads:
    """A hybrid's layers without attention, as a model that `analyse`, `effective_pattern` and `show` read.

    Its heads are those of Gated DeltaNet, Kimi Delta Attention, Mamba-2 or lightning attention, and their patterns the
    effective ones. Raises ValueError for a model without such layers.
    """
    return MixerHeads(model)


def is_of_attention(name: str) -> bool:
    """Whether a hook is of a layer's attention, by its full name."""
    parts = name.split(".", 2)
    return parts[0] == "blocks" and parts[-1].startswith(OF_ATTENTION)


def heads_of_mixers(model: HookedModel, places: dict[int, MixerPlace]) -> tuple[int, int]:
    """How many heads every mixer has, and the size of their values. Raises ValueError where they differ."""
    prompt = trial_prompt(model)
    with undisturbed(model), torch.no_grad(), watched_mixers(list(places.values())) as calls:
        model.run_with_hooks(prompt.tensor(next(model.parameters()).device, torch.float32)[None])
    sizes = {tuple(call.arguments[call.place.reading.value].shape[2:]) for call in calls}
    if len(sizes) != 1:
        raise ValueError(f"the mixers of this model differ in their heads ({sorted(sizes)}); they are read one by one")
    [(heads, d_value)] = sizes
    return heads, d_value


def mixer_facts(facts: ModelFacts, places: dict[int, MixerPlace], heads: int) -> ModelFacts:
    """A model's facts, with its mixers where others have attention."""
    first = next(iter(places.values())).reading
    names = tuple(places[at].reading.name if at in places else "" for at in range(len(facts.layer_variants)))
    return replace(
        facts,
        variant=first.name,
        paper=first.source,
        non_negative=False,
        layer_variants=names,
        layer_options=({},) * len(names),
        gauges=(),
        heads=heads,
        reads_mixers=True,
        gated_by_entry=True,
        gated_layers=(),
    )


def call_hooks(call: MixerCall, prompts: int, hooks: Sequence[tuple[str, Callable[..., object]]]) -> None:
    """Call hooks of a mixer, by their short names. Raises ValueError where one returns another tensor."""
    mixings = [layer_mixing(call, prompt) for prompt in range(prompts)]
    tensors: dict[str, Tensor] = {}
    for name, act in hooks:
        if name not in tensors:
            tensors[name] = torch.stack([hooked_tensor(mixing, name) for mixing in mixings])
        if act(tensors[name], hook=None) is not None:
            raise ValueError(f"{name} of a mixer is read and not edited: a state computes it, which has no such part")


def hooked_tensor(mixing: LayerMixing, name: str) -> Float[Tensor, "..."]:
    """What a hook of a mixer holds of one prompt."""
    length = len(mixing.values)
    heads, rows = slice(0, mixing.heads), torch.arange(length)
    if name == "hook_v":
        return mixing.values
    if name == "hook_z":
        return mixing.read
    if name == "hook_gate":
        return torch.ones_like(mixing.values) if mixing.gate is None else mixing.gate.entries
    if name == "hook_pattern":
        return mixing.mixing(heads, rows)
    lowest = torch.finfo(torch.float32).min
    return torch.zeros(mixing.heads, length, length).masked_fill(~mixing.weights.visible(rows), lowest)

"""The variant of one layer with its learned parameters, as it hangs on an attention module of a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache, DynamicLayer

from headscope.models.attention import Variant, variant_named
from headscope.models.attention.gate import OutputGate
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.learned_part import Hidden, LearnedOption
from headscope.models.attention.options import Options
from headscope.models.attention.run import at_least_float32
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.seam.handed_part import handed_part


class AttentionLayer(nn.Module):
    """One layer's variant: its row of the table, its options, and the parameters that it adds to the model.

    number: which layer of the model it is, from 0. Learned parts are attributes under their own names; temperature_q
    and temperature_v are None where the variant learns none. soft_cap: that of the scores, taken over from the module.
    own: options that come of parameters of the module on which the layer hangs.
    gate: of what heads put out, where the spec asks for one; factor: the variant's own. place_in_cache: of what the
    kernel keeps of earlier tokens, behind the layers of the model.
    """

    temperature_q: nn.Module | None
    temperature_v: nn.Module | None

    def __init__(self, variant: str, options: Options, shape: LayerShape, number: int, gate: str | None = None) -> None:
        super().__init__()
        self.number = self.place_in_cache = number
        self.soft_cap: float | None = None
        self.own: dict[str, Callable[[], Tensor]] = {}
        self.variant = variant_named(variant)
        self.options = dict(options)
        shape = replace(shape, number=number)
        self.gate = None if gate is None else OutputGate(gate, shape)
        self.factor = None if self.variant.factor is None else self.variant.factor(self.options, shape)
        parts = {} if self.variant.learned is None else self.variant.learned(self.options, shape)
        refuse_lost_parts(self.variant, parts, own=dir(self))
        self.temperature_q = self.temperature_v = None
        for name, part in parts.items():
            setattr(self, name, part)
        self.coefficients = tuple(name for name, part in parts.items() if isinstance(part, nn.Parameter))
        self.computed = tuple(name for name, part in parts.items() if isinstance(part, LearnedOption))

    def current_options(self) -> Options:
        """The variant's options of a call: as they are stored, and what was learned in the place of it.

        What a LearnedOption makes of the tokens of a call is not among them.
        """
        stored = {name: self.options[name] for name in self.variant.call_options if name in self.options}
        own = {option: value() for option, value in self.own.items()}
        learned = {name: getattr(self, name) for name in self.coefficients}
        of_layer = (name for name in self.computed if name not in self.reads_hidden)
        return {**stored, **learned, **{name: getattr(self, name)(None) for name in of_layer}, **own}

    def take_over(self, option: str, value: Callable[[], Tensor]) -> None:
        """From now on an option comes of parameters of the module, which keeps them; nothing is learned here.

        What the variant does after mixing, the module does too.
        """
        if option in (*self.coefficients, *self.computed):
            delattr(self, option)
        self.coefficients = tuple(name for name in self.coefficients if name != option)
        self.computed = tuple(name for name in self.computed if name != option)
        self.own[option], self.factor = value, None

    def handed_options(self, keywords: Mapping[str, object]) -> Options:
        """Options of the kernel that a call has by keyword, as its module hands them."""
        handed = {option: keywords.get(name) for name, option in self.variant.handed.items()}
        return {option: value for option, value in handed.items() if value is not None}

    def edited_options(
        self, options: Options, rows: Sequence[int], edit: Callable[[str, Float[Tensor, "batch head query"]], Tensor]
    ) -> Options:
        """The options with those that hooks show as they leave them; rows: how many of [batch, head, query]."""
        kernel = self.variant.kernel_options(options)
        shown = {
            option: edit(name, torch.as_tensor(kernel[option]).expand(*rows, 1)[..., 0].clone())[..., None]
            for name, option in self.variant.option_hooks.items()
        }
        return {**options, **shown}

    @property
    def reads_hidden(self) -> tuple[str, ...]:
        """The options of the kernel that are made of what the attention module reads."""
        return tuple(name for name in self.computed if getattr(self, name).reads_hidden)

    @property
    def has_input_parts(self) -> bool:
        """Whether anything is made of what the attention module reads."""
        return self.gate is not None or bool(self.reads_hidden)

    def input_parts(self, hidden: Hidden, cache: object = None) -> dict[str, Tensor]:
        """What is made of what the module reads: kernel options over all keys, those of a cache too, and the gate.

        Raises ValueError for a cache that has no room for what the kernel's options of earlier tokens were.
        """
        options = {name: getattr(self, name)(hidden) for name in self.reads_hidden}
        parts = {name: with_earlier(value, cache, self.place_in_cache) for name, value in options.items()}
        return parts if self.gate is None else {**parts, "gate": self.gate(hidden)}

    def output_factor(
        self, output: Float[Tensor, "batch head query d_value"], parts: Mapping[str, Tensor]
    ) -> Float[Tensor, "batch head query d_value_or_one"] | None:
        """What the weighted sums of values are multiplied by before W_O, or None."""
        own = None if self.factor is None else self.factor(output)
        gate = parts.get("gate")
        return own if gate is None else gate if own is None else own * gate

    @property
    def has_factor(self) -> bool:
        """Whether the weighted sums of values are multiplied by anything."""
        return self.gate is not None or self.factor is not None

    def kernel(self) -> Options:
        """The options of the score → weight map."""
        return self.variant.kernel_options(self.current_options())

    def scale(self, scaling: float) -> float:
        """The factor of the dot product: the variant's own where it has one, else the module's."""
        return self.variant.scale_of(self.options, scaling)

    def weigh(
        self,
        scores: Float[Tensor, "batch head query key"],
        visible: Bool[Tensor, "#batch #head query key"],
        parts: Mapping[str, Tensor] | None = None,
    ) -> Float[Tensor, "batch head query key"]:
        """The signed weights of scaled, tempered scores; float32 at least. parts: what input_parts made."""
        options = self.options_with(parts or {}, scores.shape[-1])
        return self.variant.weigh(at_least_float32(scores), visible, **self.variant.kernel_options(options))

    @property
    def reads_values(self) -> bool:
        """Whether the values' temperatures depend on the values, which share them over all heads."""
        return self.temperature_v is not None and getattr(self.temperature_v, "reads_tokens", True)

    @property
    def reads_queries(self) -> bool:
        """Whether the queries' temperatures depend on the queries before they are turned."""
        return self.temperature_q is not None and getattr(self.temperature_q, "reads_tokens", True)

    @property
    def norms_output(self) -> bool:
        """Whether heads' outputs are multiplied by what the variant makes of them, here or in the module itself."""
        return self.factor is not None or (self.variant.factor is not None and bool(self.own))

    def value_temperature(
        self, value: Float[Tensor, "batch kv_head key d_head"], n: Int[Tensor, "#batch key"]
    ) -> Float[Tensor, "batch 1 key"] | None:
        """τ_v from the projected values themselves, so that a cache of values needs nothing more."""
        return None if self.temperature_v is None else self.temperature_v(value.transpose(1, 2).flatten(2), n)

    def call_options(
        self,
        value: Float[Tensor, "batch kv_head key d_head"],
        temperature_q: Float[Tensor, "batch 1 query"] | None,
        n: Int[Tensor, "#batch key"] | None,
        parts: Mapping[str, Tensor] | None = None,
    ) -> Options:
        """The options of `run` for this layer; n counts the visible tokens up to each key.

        parts: what input_parts made in this call. Raises ValueError where the kernel needs of them what is not there.
        """
        if not self.variant.learns_temperatures:
            return self.options_with(parts or {}, value.shape[2])
        temperature_v = None if n is None else self.value_temperature(value, n)
        return {**self.current_options(), "temperature_q": temperature_q, "temperature_v": temperature_v}

    def options_with(self, parts: Mapping[str, Tensor], n_key: int) -> Options:
        """The options of a call with what input_parts made in it, of the last keys."""
        return {**self.current_options(), **self._options_of_parts(parts, n_key)}

    def _options_of_parts(self, parts: Mapping[str, Tensor], n_key: int) -> Options:
        if missing := [name for name in self.reads_hidden if name not in parts]:
            raise ValueError(
                f"{self.variant.name}: {missing[0]} is made of what the attention module of layer {self.number} reads, "
                "which did not reach its attention: call the model, not one of its parts"
            )
        return {name: parts[name][..., -n_key:] for name in self.reads_hidden}


def with_earlier(
    value: Float[Tensor, "batch head 1 key"], cache: object, place: int
) -> Float[Tensor, "batch head 1 total"]:
    """An option of every key, after those that a layer of a cache kept of the tokens before.

    Raises ValueError for a cache of another kind than a dynamic one.
    """
    if cache is None:
        return value
    if not isinstance(cache, DynamicCache):
        raise ValueError(
            f"what a kernel keeps of earlier tokens is kept in a DynamicCache; got a {type(cache).__name__}"
        )
    while len(cache.layers) <= place:
        cache.layers.append(DynamicLayer())
    layer: Any = cache.layers[place]
    kept, _ = layer.update(value.mT, value.mT[..., :0])
    return kept.mT


def refuse_lost_parts(variant: Variant, parts: Iterable[str], own: Iterable[str]) -> None:
    """Raise ValueError for a learned part that no kernel would see, or whose name a layer has for something else."""
    for name in parts:
        if name not in variant.call_options:
            raise ValueError(f"{variant.name}: the learned part {name!r} reaches nothing; make it a keyword of weigh")
        if name in own:
            raise ValueError(f"{variant.name}: every layer has something else of the name {name!r}; take another")


def layer_on(module: nn.Module, spec: AttentionSpec, shape: LayerShape, number: int) -> AttentionLayer:
    """A layer of the spec's variant for a module, which weighs with what the module learned of its own and hands on.

    There softmax is the variant that does; raises ValueError for another, which would lose it.
    """
    part, name = handed_part(module), variant_on(module, spec.variant)
    options = spec.options if name == spec.variant else variant_named(name).options
    layer = AttentionLayer(name, options, shape, number, spec.gate)
    if part is not None:
        layer.take_over(part.option, partial(part.value, module))
    return layer


def variant_on(module: nn.Module, variant: str) -> str:
    """The name of what computes on a module that was to carry the variant. Raises ValueError as layer_on does."""
    part = handed_part(module)
    if part is None or variant == part.variant:
        return variant
    if variant != "softmax":
        raise ValueError(
            f"the attention of a {type(module).__name__} learned {part.names[0]!r} of its own, which {variant} does "
            f"not weigh with and which would be lost: attach softmax, which keeps them (as {part.variant})"
        )
    return part.variant

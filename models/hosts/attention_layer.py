"""The variant of one layer with its learned parameters, as it hangs on an attention module of a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention import Variant, variant_named
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.run import at_least_float32
from headscope.models.seam.handed_part import handed_part


class AttentionLayer(nn.Module):
    """One layer's variant: its row of the table, its options, and the parameters that it adds to the model.

    number: which layer of the model it is, from 0. Learned parts are attributes under their own names; temperature_q
    and temperature_v are None where the variant learns none. soft_cap: that of the scores, taken over from the module.
    own: options that are parameters of the module on which the layer hangs, as module and name.
    """

    temperature_q: nn.Module | None
    temperature_v: nn.Module | None

    def __init__(self, variant: str, options: Options, shape: LayerShape, number: int) -> None:
        super().__init__()
        self.number = number
        self.soft_cap: float | None = None
        self.own: dict[str, tuple[nn.Module, str]] = {}
        self.variant = variant_named(variant)
        self.options = dict(options)
        parts = {} if self.variant.learned is None else self.variant.learned(self.options, shape)
        refuse_lost_parts(self.variant, parts, own=dir(self))
        self.temperature_q = self.temperature_v = None
        for name, part in parts.items():
            setattr(self, name, part)
        self.coefficients = tuple(name for name, part in parts.items() if isinstance(part, nn.Parameter))

    def current_options(self) -> Options:
        """The variant's options of a call: as they are stored, and what was learned in the place of it."""
        stored = {name: self.options[name] for name in self.variant.call_options if name in self.options}
        own = {option: getattr(module, name) for option, (module, name) in self.own.items()}
        return {**stored, **{name: getattr(self, name) for name in self.coefficients}, **own}

    def take_over(self, option: str, module: nn.Module, name: str) -> None:
        """From now on an option is a parameter of the module, which keeps it, and nothing that the layer learns."""
        if option in self.coefficients:
            delattr(self, option)
            self.coefficients = tuple(other for other in self.coefficients if other != option)
        self.own[option] = module, name

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

    def kernel(self) -> Options:
        """The options of the score → weight map."""
        return self.variant.kernel_options(self.current_options())

    def scale(self, scaling: float) -> float:
        """The factor of the dot product: the variant's own where it has one, else the module's."""
        return self.variant.scale_of(self.options, scaling)

    def weigh(
        self, scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
    ) -> Float[Tensor, "batch head query key"]:
        """The signed weights of scaled, tempered scores; float32 at least."""
        return self.variant.weigh(at_least_float32(scores), visible, **self.kernel())

    @property
    def reads_values(self) -> bool:
        """Whether the values' temperatures depend on the values, which share them over all heads."""
        return self.temperature_v is not None and getattr(self.temperature_v, "reads_tokens", True)

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
    ) -> Options:
        """The options of `run` for this layer; n counts the visible tokens up to each key."""
        if not self.variant.learns_temperatures:
            return self.current_options()
        temperature_v = None if n is None else self.value_temperature(value, n)
        return {**self.current_options(), "temperature_q": temperature_q, "temperature_v": temperature_v}


def refuse_lost_parts(variant: Variant, parts: Iterable[str], own: Iterable[str]) -> None:
    """Raise ValueError for a learned part that no kernel would see, or whose name a layer has for something else."""
    for name in parts:
        if name not in variant.call_options:
            raise ValueError(f"{variant.name}: the learned part {name!r} reaches nothing; make it a keyword of weigh")
        if name in own:
            raise ValueError(f"{variant.name}: every layer has something else of the name {name!r}; take another")


def layer_on(module: nn.Module, variant: str, options: Options, shape: LayerShape, number: int) -> AttentionLayer:
    """A layer of the variant for a module, whose own sinks it weighs with where the module hands on such.

    There softmax is the variant that does; raises ValueError for another, which would lose them.
    """
    part = handed_part(module)
    if part is None:
        return AttentionLayer(variant, options, shape, number)
    name = variant_on(module, variant)
    layer = AttentionLayer(name, variant_named(name).options if name != variant else options, shape, number)
    layer.take_over(part.option, module, part.name)
    return layer


def variant_on(module: nn.Module, variant: str) -> str:
    """The name of what computes on a module that was to carry the variant. Raises ValueError as layer_on does."""
    part = handed_part(module)
    if part is None or variant == part.variant:
        return variant
    if variant != "softmax":
        raise ValueError(
            f"the attention of a {type(module).__name__} learned {part.name!r} of its own, which {variant} does not "
            f"weigh with and which would be lost: attach softmax, which keeps them (as {part.variant})"
        )
    return part.variant

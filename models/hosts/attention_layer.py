"""The variant of one layer with its learned parameters, as it hangs on an attention module of a model."""

from collections.abc import Iterable

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention import Variant, variant_named
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.run import at_least_float32


class AttentionLayer(nn.Module):
    """One layer's variant: its row of the table, its options, and the parameters that it adds to the model.

    number: which layer of the model it is, from 0. Learned parts are attributes under their own names; temperature_q
    and temperature_v are None where the variant learns none. soft_cap: that of the scores, taken over from the module.
    """

    temperature_q: nn.Module | None
    temperature_v: nn.Module | None

    def __init__(self, variant: str, options: Options, shape: LayerShape, number: int) -> None:
        super().__init__()
        self.number = number
        self.soft_cap: float | None = None
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
        return {**stored, **{name: getattr(self, name) for name in self.coefficients}}

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

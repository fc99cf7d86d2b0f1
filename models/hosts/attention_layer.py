"""The variant of one layer with its learned parameters, as it hangs on an attention module of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention import variant_named
from headscope.models.attention.polynomial import resolve_coefficient
from headscope.models.attention.run import at_least_float32
from headscope.models.attention.temperature import Temperature


@dataclass(frozen=True)
class LayerShape:
    """What the learned parts of a variant need to know of a layer: head count, widths of W_Q x and W_V x."""

    n_heads: int
    query_width: int
    value_width: int


class AttentionLayer(nn.Module):
    """One layer's variant: its row of the table, its options, and the parameters that it adds to the model.

    number: which layer of the model it is, from 0.
    """

    def __init__(self, variant: str, options: Mapping[str, Any], shape: LayerShape, number: int) -> None:
        super().__init__()
        self.number = number
        self.variant = variant_named(variant)
        self.options = dict(options)
        temperatures = learned_temperatures(self.options, shape) if variant == "selective" else {}
        self.temperature_q = temperatures.get("q")
        self.temperature_v = temperatures.get("v")
        self.coefficient = learned_coefficient(self.options, shape) if self.options.get("learned") else None

    def kernel(self) -> dict[str, Any]:
        """The options of the score → weight map."""
        if "power" not in self.options:
            return {}
        coefficient = self.options["coefficient"] if self.coefficient is None else self.coefficient
        return {
            "power": self.options["power"],
            "coefficient": resolve_coefficient(coefficient, self.options["n_ctx"]),
        }

    def scale(self, scaling: float) -> float:
        """The factor of the dot product: the variant's own where it has one, else the module's."""
        return self.options.get("scale", scaling)

    def weigh(
        self, scores: Float[Tensor, "batch head query key"], visible: Bool[Tensor, "#batch #head query key"]
    ) -> Float[Tensor, "batch head query key"]:
        """The signed weights of scaled, tempered scores; float32 at least."""
        return self.variant.weigh(at_least_float32(scores), visible, **self.kernel())

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
    ) -> dict[str, Any]:
        """The options of `run` for this layer; n counts the visible tokens up to each key."""
        if self.variant.name != "selective":
            return self.kernel()
        temperature_v = None if n is None else self.value_temperature(value, n)
        return {"temperature_q": temperature_q, "temperature_v": temperature_v}


def learned_temperatures(options: Mapping[str, Any], shape: LayerShape) -> dict[str, Temperature]:
    """Query and value temperatures as the options ask; the paper's code tempers queries by position only."""
    if options["position"] == "paper_code":
        return {"q": Temperature(shape.query_width, "paper_code", token=False)}
    widths = {"q": shape.query_width, "v": shape.value_width}
    asked = {"q": options["on_query"], "v": options["on_value"]}
    return {name: Temperature(widths[name], options["position"], options["token"]) for name in widths if asked[name]}


def learned_coefficient(options: Mapping[str, Any], shape: LayerShape) -> nn.Parameter:
    """One coefficient per head, starting from the fixed one."""
    start = resolve_coefficient(options["coefficient"], options["n_ctx"])
    return nn.Parameter(torch.full((shape.n_heads,), float(start)))

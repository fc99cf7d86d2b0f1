"""About: what the numbers of a result are, said once and carried with them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Assumption = Literal["non_negative", "rows_sum_to_one", "causal"]
# Changes of weights that leave a model's function alone: (W_Q, W_V) → −(W_Q, W_V) of an odd kernel, W_Q → −W_Q of an
# even one, (W_Q, W_V) → (c W_Q, c^(−power) W_V) of a polynomial one, (W_V, W_O) → (W_V G, G⁻¹ W_O) of any.
Gauge = Literal["odd", "even", "scale", "basis"]


@dataclass(frozen=True)
class About:
    """What a result says of itself, wherever it is shown or stored.

    title: a few words. unit: of its values ("logits", "nats", "share", "1" for a pure number). law: the defining
    formula or the identity it keeps. source: paper and equation, or "headscope" for what has no earlier source.
    assumes: what a pattern must obey; one that does not is refused. null: what the *_null fields are, "" without.
    gauge_dependent: fields that a change of gauge, which leaves the model's function alone, changes; under: which
    gauges. scale_dependent: fields that the free scale of a polynomial kernel changes besides.
    """

    title: str
    unit: str
    law: str
    source: str
    assumes: tuple[Assumption, ...] = ()
    null: str = ""
    gauge_dependent: tuple[str, ...] = ()
    under: tuple[Gauge, ...] = ("odd",)
    scale_dependent: tuple[str, ...] = ()

    def of_model(self, gauges: Collection[Gauge]) -> "About":
        """The same for a model that has these gauges and no others: fields that none of them changes are not named."""
        flipped = self.gauge_dependent if set(self.under) & set(gauges) else ()
        scaled = self.scale_dependent if "scale" in gauges else ()
        return replace(self, gauge_dependent=tuple(dict.fromkeys((*flipped, *scaled))))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

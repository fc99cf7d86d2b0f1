"""About: what the numbers of a result are, said once and carried with them."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Assumption = Literal["non_negative", "rows_sum_to_one", "causal"]


@dataclass(frozen=True)
class About:
    """What a result says of itself, wherever it is shown or stored.

    title: a few words. unit: of its values ("logits", "nats", "share", "1" for a pure number). law: the defining
    formula or the identity it keeps. source: paper and equation, or "headscope" for what has no earlier source.
    assumes: what a pattern must obey; one that does not is refused. null: what the *_null fields are, "" without.
    gauge_dependent: fields that a change of gauge (a flip of signs that leaves the model's function alone) changes.
    """

    title: str
    unit: str
    law: str
    source: str
    assumes: tuple[Assumption, ...] = ()
    null: str = ""
    gauge_dependent: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

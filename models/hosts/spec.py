"""AttentionSpec: which variant a model carries, with which options, in which layers; plain JSON both ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headscope.models.attention import variant_named
from headscope.models.attention.gate import check_gate
from headscope.models.attention.options import Options
from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names

Layers = str | tuple[int, ...]
STORED_FIELDS = ("variant", "layers", "options")


@dataclass(frozen=True, init=False)
class AttentionSpec:
    """A variant by name, the layers that carry it (the others stay softmax), and the variant's options.

    layers: "all", "inner" (all but the first and the last), or layer numbers, negative ones counted from the end.
    Layers without attention are among neither, and keep their numbers. Options not given take the variant's defaults.
    gate: "head" or "element" where what these layers' heads put out is gated, whatever the variant
    (models/attention/gate.py).
    """

    variant: str
    layers: Layers
    options: Options
    gate: str | None

    def __init__(
        self,
        variant: str,
        *,
        layers: str | list[int] | tuple[int, ...] = "all",
        gate: str | None = None,
        **options: object,
    ) -> None:
        check_gate(gate)
        object.__setattr__(self, "gate", gate)
        object.__setattr__(self, "variant", variant)
        object.__setattr__(self, "layers", checked_layers(layers))
        object.__setattr__(self, "options", checked_options(variant, options))

    def chosen(self, n_layers: int, with_attention: Sequence[int] | None = None) -> tuple[int, ...]:
        """The numbers of the layers that carry the variant in a model of n_layers layers.

        with_attention: which of them have attention, where not all do.
        """
        possible = tuple(range(n_layers) if with_attention is None else with_attention)
        if self.layers == "inner" and len(possible) < 3:
            raise ValueError(f"inner layers asked for, all but the first and the last; the model has {len(possible)}")
        if isinstance(self.layers, str):
            return possible if self.layers == "all" else possible[1:-1]
        outside = [layer for layer in self.layers if not -n_layers <= layer < n_layers]
        if outside:
            raise ValueError(f"layer {outside[0]} asked for; the model has layers 0 to {n_layers - 1}")
        if without := [layer for layer in self.layers if layer % n_layers not in possible]:
            there_are = ", ".join(map(str, possible))
            raise ValueError(f"layer {without[0]} asked for, which has no attention; the layers with it: {there_are}")
        return tuple(sorted({layer % n_layers for layer in self.layers}))

    def to_json(self) -> Fields:
        """As config.json stores it under "attention_spec"."""
        layers = self.layers if isinstance(self.layers, str) else list(self.layers)
        gate = {} if self.gate is None else {"gate": self.gate}
        return {"variant": self.variant, "layers": layers, **gate, "options": dict(self.options)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "AttentionSpec":
        """The spec back from to_json's form; unknown and missing fields are refused by name."""
        if not isinstance(stored, Mapping):
            raise ValueError(f"attention_spec is an object with the fields variant, layers, options; got {stored!r}")
        unknown = sorted(set(map(str, stored)) - {*STORED_FIELDS, "gate"})
        if unknown:
            known = known_names(unknown[0], (*STORED_FIELDS, "gate"))
            raise ValueError(f"attention_spec: unknown field {unknown[0]!r}; known: {known}")
        missing = [name for name in STORED_FIELDS if name not in stored]
        if missing:
            raise ValueError(f"attention_spec: the field {missing[0]} is missing")
        if not isinstance(stored["variant"], str):
            raise ValueError(f"attention_spec: variant is a name, got {stored['variant']!r}")
        if not isinstance(stored["options"], Mapping):
            raise ValueError(f"attention_spec: options is an object, got {stored['options']!r}")
        checked_options(stored["variant"], stored["options"])  # before they become keywords beside layers
        return cls(stored["variant"], layers=stored["layers"], gate=stored.get("gate"), **stored["options"])

    def __hash__(self) -> int:
        return hash((self.variant, self.layers, self.gate, tuple(sorted(self.options.items(), key=str))))


def checked_layers(layers: object) -> Layers:
    """Layers as stored, or an error that says what is possible."""
    if layers in ("all", "inner"):
        return str(layers)
    if not isinstance(layers, list | tuple) or not layers or not all(type(layer) is int for layer in layers):
        raise ValueError(f"layers is 'all', 'inner' or a list of layer numbers, got {layers!r}")
    return tuple(layers)


def checked_options(variant: str, options: Options) -> Options:
    """The variant's options with its defaults filled in; unknown names and impossible values are refused."""
    row = variant_named(variant)
    unknown = sorted(set(options) - set(row.options))
    if unknown:
        known = known_names(unknown[0], row.options)
        keywords = "; options are given as keywords" if "options" in unknown else ""
        raise ValueError(f"{variant}: unknown option {unknown[0]!r}; known: {known}{keywords}")
    filled = {**row.options, **options}
    row.check_options(filled)
    return filled

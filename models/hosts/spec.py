"""AttentionSpec: which variants a model carries, with which options, in which layers; plain JSON both ways."""

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
OPTIONAL = ("gate", "beside")


@dataclass(frozen=True, init=False)
class AttentionSpec:
    """A variant by name, the layers that carry it (the others stay softmax), and the variant's options.

    layers: "all", "inner" (all but the first and the last), or layer numbers, negative ones counted from the end.
    Layers without attention are among neither, and keep their numbers. Options not given take the variant's defaults.
    gate: "head" or "element" where what these layers' heads put out is gated, whatever the variant
    (models/attention/gate.py). beside: specs of other layers of the same model, as `mixed` puts them together.
    """

    variant: str
    layers: Layers
    options: Options
    gate: str | None
    beside: "tuple[AttentionSpec, ...]"

    def __init__(
        self,
        variant: str,
        *,
        layers: str | list[int] | tuple[int, ...] = "all",
        gate: str | None = None,
        beside: "Sequence[AttentionSpec]" = (),
        **options: object,
    ) -> None:
        check_gate(gate)
        object.__setattr__(self, "gate", gate)
        object.__setattr__(self, "beside", tuple(beside))
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

    @property
    def parts(self) -> "tuple[AttentionSpec, ...]":
        """Itself without those beside it, and those."""
        return (self.on(self.layers), *self.beside)

    def on(self, layers: Layers) -> "AttentionSpec":
        """The same on other layers, without those beside it."""
        return AttentionSpec(self.variant, layers=layers, gate=self.gate, **self.options)  # type: ignore[arg-type]

    def with_options(self, options: Options) -> "AttentionSpec":
        """The same with other options, without those beside it."""
        return AttentionSpec(self.variant, layers=self.layers, gate=self.gate, **options)  # type: ignore[arg-type]

    @property
    def in_words(self) -> str:
        """The variants of all its parts by name, and which of them are gated."""
        words = (part.variant if part.gate is None else f"gated {part.variant}" for part in self.parts)
        return " and ".join(dict.fromkeys(words))

    def by_layer(self, n_layers: int, with_attention: Sequence[int] | None = None) -> "dict[int, AttentionSpec]":
        """The part that each layer carries, by its number; layers of none of them compute softmax.

        Raises ValueError for a layer that two parts choose, and for what `chosen` refuses.
        """
        result: dict[int, AttentionSpec] = {}
        for part in self.parts:
            for layer in part.chosen(n_layers, with_attention):
                if layer in result:
                    names = f"{result[layer].variant} and {part.variant}"
                    raise ValueError(f"layer {layer} is to carry {names}; give every layer to one spec of a mix")
                result[layer] = part
        return result

    def to_json(self) -> Fields:
        """As config.json stores it under "attention_spec"."""
        layers = self.layers if isinstance(self.layers, str) else list(self.layers)
        gate = {} if self.gate is None else {"gate": self.gate}
        beside = {"beside": [part.to_json() for part in self.beside]} if self.beside else {}
        return {"variant": self.variant, "layers": layers, **gate, "options": dict(self.options), **beside}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "AttentionSpec":
        """The spec back from to_json's form; unknown and missing fields are refused by name."""
        if not isinstance(stored, Mapping):
            raise ValueError(f"attention_spec is an object with the fields variant, layers, options; got {stored!r}")
        unknown = sorted(set(map(str, stored)) - {*STORED_FIELDS, *OPTIONAL})
        if unknown:
            known = known_names(unknown[0], (*STORED_FIELDS, *OPTIONAL))
            raise ValueError(f"attention_spec: unknown field {unknown[0]!r}; known: {known}")
        missing = [name for name in STORED_FIELDS if name not in stored]
        if missing:
            raise ValueError(f"attention_spec: the field {missing[0]} is missing")
        if not isinstance(stored["variant"], str):
            raise ValueError(f"attention_spec: variant is a name, got {stored['variant']!r}")
        if not isinstance(stored["options"], Mapping):
            raise ValueError(f"attention_spec: options is an object, got {stored['options']!r}")
        checked_options(stored["variant"], stored["options"])  # before they become keywords beside layers
        beside = stored.get("beside", ())
        if not isinstance(beside, list | tuple):
            raise ValueError(f"attention_spec: beside is a list of specs, got {beside!r}")
        more = {"gate": stored.get("gate"), "beside": [cls.from_json(part) for part in beside]}
        return cls(stored["variant"], layers=stored["layers"], **more, **stored["options"])

    def __hash__(self) -> int:
        return hash((self.variant, self.layers, self.gate, self.beside, tuple(sorted(self.options.items(), key=str))))


def mixed(specs: Sequence[AttentionSpec]) -> AttentionSpec:
    """One spec of several, each of other layers; the first gives the model's name. Raises ValueError for none."""
    parts = [part for spec in specs for part in spec.parts]
    if not parts:
        raise ValueError("a mix of attentions is a list of AttentionSpecs, each of other layers; got none")
    first, *beside = parts
    return AttentionSpec(first.variant, layers=first.layers, gate=first.gate, beside=beside, **first.options)  # type: ignore[arg-type]


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

"""Intervention: one edit of attention weights, as a record that can be stored."""

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names

# Kind -> the new weights, from the old ones and the record's value.
KINDS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "keep_positive": lambda weights, value: weights.clamp(min=0),
    "keep_negative": lambda weights, value: weights.clamp(max=0),
    "absolute": lambda weights, value: weights.abs(),
    "flip": lambda weights, value: -weights,
    "zero": lambda weights, value: torch.zeros_like(weights),
    "scale": lambda weights, value: weights * value,
    "set": lambda weights, value: torch.zeros_like(weights) + value,
}
VALUED = ("scale", "set")
VALUELESS = tuple(kind for kind in KINDS if kind not in VALUED)
LARGEST_INDEX, LARGEST_VALUE = torch.iinfo(torch.int64).max, torch.finfo(torch.float32).max
# In a head of an odd kernel these do another thing after (W_Q, W_V) → (−W_Q, −W_V), and so does set, but for 0.
SIGNED = ("keep_positive", "keep_negative", "absolute")


@dataclass(frozen=True)
class Intervention:
    """One edit of hook_pattern in a layer; an index that is None stands for all: of a cell, a row, a head or a layer.

    value: the factor of scale, the weight of set, what float32 holds; none for the other kinds.
    Raises ValueError by field.
    """

    kind: str
    layer: int
    head: int | None = None
    query: int | None = None
    key: int | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        _check(asdict(self))

    def to_json(self) -> Fields:
        """The fields that are not None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, stored: object) -> "Intervention":
        """The record back from to_json's form; unknown and missing fields are refused by name."""
        known = [field.name for field in fields(cls)]
        if not isinstance(stored, Mapping):
            raise ValueError(
                f"an intervention is an object with the fields {', '.join(known)}; got {value_in_short(stored)}"
            )
        if unknown := sorted(set(map(str, stored)) - set(known)):
            raise ValueError(
                f"intervention: unknown field {value_in_short(unknown[0])}; known: {known_names(unknown[0], known)}"
            )
        if missing := [name for name in ("kind", "layer") if name not in stored]:
            raise ValueError(f"intervention: the field {missing[0]} is missing")
        _check({**dict.fromkeys(known), **stored})
        value = stored.get("value")
        return cls(**{**stored, "value": None if value is None else float(value)})


def _check(entry: Fields) -> None:
    kind, value = entry["kind"], entry["value"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"unknown kind of intervention {value_in_short(kind)}; known: {known_names(kind, KINDS)}")
    for name in ("layer", "head", "query", "key"):
        index = entry[name]
        if not (index is None and name != "layer") and not (type(index) is int and 0 <= index <= LARGEST_INDEX):
            raise ValueError(f"intervention: {name} is a number from 0, got {value_in_short(index)}")
    if (kind in VALUED) != (value is not None):
        words = "needs a value" if kind in VALUED else f"takes no value, got {value_in_short(value)}"
        raise ValueError(f"intervention: {kind} {words}; {' and '.join(VALUED)} take one")
    is_number = type(value) in (int, float) and abs(value) <= LARGEST_VALUE  # false for NaN, too
    if value is not None and not is_number:
        raise ValueError(
            f"intervention: value is a finite number, got {value_in_short(value)}; float32 ends at {LARGEST_VALUE:.3g}"
        )


def value_in_short(value: object) -> str:
    """What came, for a sentence: long texts and lists are cut, whole numbers of many digits are not spelled."""
    if type(value) is int and abs(value) > LARGEST_INDEX:
        return f"a whole number of {value.bit_length()} bits"
    return reprlib.repr(value)


def edited_pattern(
    pattern: Float[Tensor, "batch head query key"],
    visible: Bool[Tensor, "#batch #head query key"],
    intervention: Intervention,
) -> Float[Tensor, "batch head query key"]:
    """The pattern after one intervention; masked cells stay 0."""
    item = intervention
    cells = tuple(slice(None) if index is None else index for index in (None, item.head, item.query, item.key))
    changed = pattern.clone()
    changed[cells] = KINDS[item.kind](pattern[cells], 0.0 if item.value is None else float(item.value))
    return changed.masked_fill(~visible, 0.0)

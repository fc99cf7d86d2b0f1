"""Records from a recipe's plain values: unknown, missing and mistyped fields are refused by name."""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from headscope.models.io.near_names import known_names

Record = TypeVar("Record")


def record_from(kind: type[Record], plain: Mapping[str, object], table: str = "") -> Record:
    """The dataclass that a table of a recipe describes; table: what its fields are called by, such as "data."."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := [name for name in plain if name not in known]:
        raise ValueError(f"unknown recipe field '{table}{unknown[0]}'; known: {known_names(unknown[0], known)}")
    required = [name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in required if name not in plain]:
        raise ValueError(f"recipe field '{table}{missing[0]}' is missing; required: {', '.join(required)}")
    return kind(**{name: typed(f"{table}{name}", known[name].type, value) for name, value in plain.items()})


def typed(name: str, kind: Any, value: Any) -> Any:
    """The value as its field's type; whole numbers do for fractional ones, and lists for tuples."""
    if isinstance(kind, UnionType):  # of a type and None
        return None if value is None else typed(name, get_args(kind)[0], value)
    expected = get_origin(kind) or kind
    if expected is tuple and isinstance(value, list | tuple):
        return tuple(typed(name, get_args(kind)[0], item) for item in value)
    right = isinstance(value, (int, float) if expected is float else expected)
    if not right or (isinstance(value, bool) and expected is not bool):
        words = "list" if expected is tuple else expected.__name__
        raise TypeError(f"recipe field {name!r} is {value!r}; it must be of type {words}")
    return float(value) if expected is float else value


def refuse_out_of_range(record: Any, table: str = "") -> None:
    """Refuse counts below 1, seeds below 0, and shares that do not lie between 0 and 1."""
    for field in fields(record):
        name, value = f"{table}{field.name}", getattr(record, field.name)
        if type(value) is int and value < (least := 0 if field.name.endswith("seed") else 1):
            raise ValueError(f"recipe field {name!r} is {value}; it must be at least {least}")
        if type(value) is float and not 0 < value < 1:
            raise ValueError(f"recipe field {name!r} is {value}; it must lie between 0 and 1")


def refuse_unknown_choice(name: str, value: str, known: Collection[str]) -> None:
    """Refuse a value that is none of those there are."""
    if value not in known:
        raise ValueError(f"unknown recipe {name} {value!r}; known: {known_names(value, known)}")

"""Records from plain values: unknown, missing and mistyped fields are refused by name."""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from headscope.models.io.near_names import known_names

Record = TypeVar("Record")
# The largest numbers that a recipe says: of tokens, of what is squared, and of all else that is counted.
MOST = {"vocabulary": 2**20, "nodes": 2**12}
MOST_COUNTED = 2**24
MOST_WHOLE = 2**63 - 1


def record_from(
    kind: type[Record], plain: Mapping[str, object], table: str = "", called: str = "recipe field"
) -> Record:
    """The dataclass that a table describes; table: what its fields are called by, such as "data."."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := [name for name in plain if name not in known]:
        name = f"{table}{unknown[0]}"  # of YAML it may be no text
        raise ValueError(f"unknown {called} {name!r:.60}; known: {known_names(unknown[0], known)}")
    required = [name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in required if name not in plain]:
        raise ValueError(f"{called} '{table}{missing[0]}' is missing; required: {', '.join(required)}")
    return kind(**{name: typed(f"{called} '{table}{name}'", known[name].type, value) for name, value in plain.items()})


def typed(name: str, kind: Any, value: Any) -> Any:
    """The value as its field's type; whole numbers do for fractional ones, and lists for tuples.

    name: what it is called in a sentence. A type may be a choice of plain ones, None among them.
    """
    if kind in (Any, object):
        return value
    if isinstance(kind, UnionType):
        return typed_as_one_of(name, get_args(kind), value)
    expected, items = get_origin(kind) or kind, get_args(kind)
    if expected is tuple and isinstance(value, list | tuple):
        return tuple(typed(name, items[0], item) for item in value)
    if expected is dict and items and isinstance(value, dict):
        return {key: typed(f"{name}, at {key!r:.60},", items[1], item) for key, item in value.items()}
    if isinstance(value, int) and abs(value) > MOST_WHOLE:
        raise ValueError(f"{name} has {value.bit_length()} bits; whole numbers have at most 63")
    right = isinstance(value, (int, float) if expected is float else expected)
    if not right or (isinstance(value, bool) and expected is not bool):
        words = "list" if expected is tuple else expected.__name__
        raise TypeError(f"{name} is {value!r:.200}; it must be of type {words}")
    return float(value) if expected is float else value


def typed_as_one_of(name: str, kinds: tuple[Any, ...], value: Any) -> Any:
    """The value as the first of the types that it has."""
    if value is None and NoneType in kinds:
        return None
    named = [kind for kind in kinds if kind is not NoneType]
    fitting = [kind for kind in named if isinstance(value, get_origin(kind) or kind) and type(value) is not bool]
    return typed(name, (fitting or named)[0], value)


def refuse_out_of_range(record: Any, table: str = "") -> None:
    """Refuse counts below 1 and beyond all use, seeds below 0, and shares that do not lie between 0 and 1."""
    for field in fields(record):
        name, value = f"{table}{field.name}", getattr(record, field.name)
        if type(value) is int:
            refuse_count(name, value, is_seed=field.name.endswith("seed"))
        if type(value) is float and not 0 < value < 1:
            raise ValueError(f"recipe field {name!r} is {value}; it must lie between 0 and 1")


def refuse_count(name: str, value: int, *, is_seed: bool) -> None:
    """Refuse a whole number that is none of its kind."""
    if value < (least := 0 if is_seed else 1):
        raise ValueError(f"recipe field {name!r} is {value}; it must be at least {least}")
    if value > (most := MOST_WHOLE if is_seed else MOST.get(name.rpartition(".")[2], MOST_COUNTED)):
        raise ValueError(f"recipe field {name!r} is {value}; it must be at most {most}")


def refuse_unknown_choice(name: str, value: str, known: Collection[str]) -> None:
    """Refuse a value that is none of those there are."""
    if value not in known:
        raise ValueError(f"unknown recipe {name} {value!r}; known: {known_names(value, known)}")

"""Facts: what a converter must know beyond the tensors: stated in a checkpoint, given, assumed aloud, or asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headscope.models.checkpoints.converters.foreign_checkpoint import ForeignCheckpoint
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.near_names import known_names

Value = int | float | str | bool
Given = Mapping[str, Value]
KINDS = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
TRUTH = {"true": True, "false": False}


def nowhere(checkpoint: ForeignCheckpoint) -> None:
    """What no such checkpoint states."""


@dataclass(frozen=True)
class Fact:
    """One of them. words: what it is called in a sentence; choices: the words that it may be.

    assumed: what it is taken for where nobody says it, always or by its tensors; without, it is asked for.
    """

    words: str
    kind: type[Value]
    stated: Callable[[ForeignCheckpoint], object | None] = nowhere
    assumed: Value | Callable[[ForeignCheckpoint], Value] | None = None
    choices: tuple[str, ...] = ()

    def assumption(self, checkpoint: ForeignCheckpoint) -> Value | None:
        """What it is taken for in a checkpoint that does not say it."""
        return self.assumed(checkpoint) if callable(self.assumed) else self.assumed

    @property
    def possible(self) -> str:
        """What can be given."""
        return f"one of {', '.join(self.choices)}" if self.choices else KINDS[self.kind]


@dataclass(frozen=True)
class KnownFacts:
    """Values by name, and of those that were assumed a sentence's words."""

    values: dict[str, Any]
    assumptions: tuple[str, ...] = field(default=())

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


class MissingFactsError(CheckpointError):
    """Facts that a file does not say, by name; kind: what the file was taken for."""

    def __init__(self, missing: Mapping[str, Fact], file: Path, kind: str) -> None:
        listed = ", ".join(f"{name} ({fact.words}: {fact.possible})" for name, fact in missing.items())
        python = ", ".join(f"{name!r}: …" for name in missing)
        shell = " ".join(f"--given {name}=…" for name in missing)
        super().__init__(
            f"cannot open {file}: it is {kind}, which does not say {listed}; give what is missing: "
            f"load(path, given={{{python}}}), or {shell} to headscope inspect and headscope convert"
        )
        self.missing, self.file, self.kind = dict(missing), file, kind


def known_facts(facts: Mapping[str, Fact], checkpoint: ForeignCheckpoint, given: Given, kind: str) -> KnownFacts:
    """Every fact; CheckpointError names all that are neither stated nor given, and what contradicts the checkpoint."""
    refuse_unknown(facts, given, checkpoint, kind)
    values: dict[str, Value] = {}
    assumptions: list[str] = []
    for name, fact in facts.items():
        sources = [fact.stated(checkpoint), given.get(name)]
        known = [checked(name, fact, value, checkpoint) for value in sources if value is not None]
        if len({*known}) > 1:
            raise CheckpointError(
                f"cannot open {checkpoint.file}: {name}={known[1]} was given, and the checkpoint says {known[0]}"
            )
        if known:
            values[name] = known[0]
        elif (assumed := fact.assumption(checkpoint)) is not None:
            values[name] = assumed
            assumptions.append(f"{name}={assumed} ({fact.words})")
    if missing := {name: fact for name, fact in facts.items() if name not in values}:
        raise MissingFactsError(missing, checkpoint.file, kind)
    return KnownFacts(values, tuple(assumptions))


def refuse_unknown(facts: Mapping[str, Fact], given: Given, checkpoint: ForeignCheckpoint, kind: str) -> None:
    """Raise CheckpointError for a given fact that nobody asks for."""
    if unknown := [name for name in given if name not in facts]:
        raise CheckpointError(
            f"cannot open {checkpoint.file}: {unknown[0]!r} was given, and nothing of {kind} is called so; "
            f"what can be given: {known_names(unknown[0], facts)}"
        )


def checked(name: str, fact: Fact, value: object, checkpoint: ForeignCheckpoint) -> Value:
    """The value as its fact's kind; words from a command line are read."""
    result = read_value(fact.kind, value)
    if result is None or (fact.choices and result not in fact.choices):
        raise CheckpointError(
            f"cannot open {checkpoint.file}: {name} ({fact.words}) is {fact.possible}; got {value!r:.60}"
        )
    return result


def read_value(kind: type[Value], value: object) -> Value | None:
    """The value as its kind, or None where it is none: of numbers only those that are finite and not negative."""
    if isinstance(value, str) and kind is not str:
        value = TRUTH.get(value.lower()) if kind is bool else number_in(value)
    if kind in (bool, str):
        return value if isinstance(value, bool | str) and type(value) is kind else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        return None
    return kind(value) if kind is float or value == int(value) else None


def number_in(text: str) -> float | int | None:
    """The number that a text is."""
    try:
        return int(text) if text.strip().isdigit() else float(text)
    except ValueError:
        return None

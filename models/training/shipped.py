"""What is known of the shipped models: facts of their training, and its speed measured side by side."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headscope.models import zoo
from headscope.models.io.fields import Fields
from headscope.models.io.plain_values import read_plain
from headscope.models.io.records import read_record, record_in

SPEED = "speed.json"
CIRCUITS = "circuits.json"


@dataclass(frozen=True)
class TrainingFacts:
    """What the training.json of a shipped model of text says of it, as far as it stands in the table."""

    parameters: int
    tokens: int
    validation_loss: float
    shipped_validation_loss: float
    precision: str
    machine: Fields


@dataclass(frozen=True)
class TrainingSpeed:
    """What speed.json says: per variant tokens in a second of CPU time, and how that was measured."""

    tokens_per_second: dict[str, float]
    rounds: int
    tokens: int
    precision: str
    machine: Fields
    seconds_per_step_over_softmax: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class CircuitHead:
    """The head with the largest share of its weight on the cells of a kind, and that share by chance, both in [0, 1].

    is_there: whether it stands out among all heads and kinds.
    """

    head: str
    share: float
    chance: float
    is_there: bool


@dataclass(frozen=True)
class ShippedModel:
    """A shipped model: its name, the facts of its training, how many snapshots stand beside it."""

    name: str
    facts: TrainingFacts
    snapshots: int


def shipped_models() -> list[ShippedModel]:
    """Those of text, one per mechanism and the longer trained: other losses compare with none of theirs."""
    of_text = (*zoo.TEXT, *zoo.FIELD, *zoo.LONGER)
    return [_shipped_model(name, zoo.folder(name)) for name in zoo.names() if name in of_text]


def training_speed() -> TrainingSpeed | None:
    """What benchmarks/training_speed.py measured last, or None before it did."""
    path = zoo.HERE / SPEED
    return read_record(TrainingSpeed, path) if path.is_file() else None


def shipped_circuits() -> dict[str, dict[str, CircuitHead]]:
    """What benchmarks/zoo_circuits.py measured last, by model and kind of head; empty before it did."""
    path = zoo.HERE / CIRCUITS
    plain: Any = read_plain(path) if path.is_file() else {}
    return {
        name: {kind: record_in(CircuitHead, item, f"{path}, {name}") for kind, item in of_model.items()}
        for name, of_model in plain.items()
    }


def _shipped_model(name: str, folder: Path) -> ShippedModel:
    path = folder / "training.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; `headscope ship` writes it with the model")
    return ShippedModel(name, read_record(TrainingFacts, path, others=True), len(zoo.snapshots(folder)))

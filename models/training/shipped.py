"""What is known of the shipped models: facts of their training, and its speed measured side by side."""

from dataclasses import dataclass
from pathlib import Path

from headscope.models import zoo
from headscope.models.io.fields import Fields
from headscope.models.io.json_file import read_json_object

SPEED = "speed.json"


@dataclass(frozen=True)
class ShippedModel:
    """A shipped model: its name, the facts in its training.json, how many snapshots stand beside it."""

    name: str
    facts: Fields
    snapshots: int


def shipped_models() -> list[ShippedModel]:
    """Those of text, one per variant: other losses compare with none of theirs."""
    return [_shipped_model(name, zoo.folder(name)) for name in zoo.names() if name in zoo.TEXT]


def training_speed() -> Fields | None:
    """What benchmarks/training_speed.py measured last, or None before it did."""
    path = zoo.HERE / SPEED
    return read_json_object(path) if path.is_file() else None


def _shipped_model(name: str, folder: Path) -> ShippedModel:
    path = folder / "training.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; `headscope ship` writes it with the model")
    return ShippedModel(name, read_json_object(path), len(zoo.snapshots(folder)))

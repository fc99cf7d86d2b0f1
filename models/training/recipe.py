"""A recipe: everything that decides a training run, read from a small TOML or YAML file."""

import json
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from headscope.models.data.text.batches import WINDOWS
from headscope.models.data.text.text_data import TextData
from headscope.models.fitting.plan import Plan
from headscope.models.fitting.schedule import SCHEDULES
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """What a run is made of; two runs of equal recipes on one machine have equal loss curves.

    `model` holds the fields of a transformers config (`model_type` among them), `attention` those of an
    `AttentionSpec`, `corpus` a source of documents; `batch` counts windows of `context` tokens, over all processes.
    `split_seed` decides which documents are held out, and so the tokenizer; runs of several `seed` share them.
    `windows` are those of the "joined" documents, from anywhere, or "documents", one in each; the places that a short
    document leaves empty are asked for nothing, and counted among a run's tokens.
    """

    model: dict[str, Any]
    steps: int
    attention: dict[str, Any] = field(default_factory=lambda: {"variant": "softmax"})
    corpus: dict[str, Any] = field(default_factory=lambda: {"source": "stdlib"})
    vocabulary: int = 2048
    context: int = 256
    batch: int = 16
    windows: str = "joined"
    seed: int = 0
    split_seed: int = 0
    lr: float = 1e-3
    warmup: int = 100
    schedule: str = "cosine"
    weight_decay: float = 0.1
    clip: float = 1.0
    precision: str = "float32"
    snapshots: int = 8
    save_every: int = 100
    validate_every: int = 100
    validation_windows: int = 64

    def __post_init__(self) -> None:
        for name in ("steps", "vocabulary", "context", "batch", "save_every", "validate_every", "validation_windows"):
            if getattr(self, name) < 1:
                raise ValueError(f"recipe field {name!r} is {getattr(self, name)}; it must be at least 1")
        for name in ("warmup", "snapshots", "seed", "split_seed", "lr", "weight_decay"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"recipe field {name!r} is {getattr(self, name)}; it must not be negative or infinite")
        _check_choice("windows", self.windows, tuple(WINDOWS))
        _check_choice("schedule", self.schedule, tuple(SCHEDULES))
        _check_choice("precision", self.precision, PRECISIONS)

    @property
    def plan(self) -> Plan:
        """The fields that decide how its model is trained, whatever that is."""
        shared = {one.name: getattr(self, one.name) for one in fields(Plan) if hasattr(self, one.name)}
        return Plan(**shared, measure_every=self.validate_every)

    @property
    def text(self) -> TextData:
        """The fields that decide what a language model is shown."""
        return TextData(**{one.name: getattr(self, one.name) for one in fields(TextData)})

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Recipe":
        """The recipe of a plain mapping; unknown, missing and mistyped fields are refused by name."""
        known = [one.name for one in fields(cls)]
        if unknown := [name for name in plain if name not in known]:
            raise ValueError(f"unknown recipe field {unknown[0]!r}; known: {known_names(unknown[0], known)}")
        required = [one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING]
        if missing := [name for name in required if name not in plain]:
            raise ValueError(f"recipe field {missing[0]!r} is missing; required: {', '.join(required)}")
        types = {one.name: one.type for one in fields(cls)}
        return cls(**{name: _typed(name, types[name], value) for name, value in plain.items()})

    def to_plain(self) -> dict[str, Any]:
        """The recipe as JSON-plain values."""
        return json.loads(json.dumps(asdict(self)))


def read_recipe(path: Path) -> Recipe:
    """The recipe of a .toml, .yaml, .yml or .json file; paths in it are taken from the file's folder."""
    if path.suffix not in READERS:
        raise ValueError(f"recipe {path} ends in {path.suffix!r}; known: {known_names(path.suffix, READERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe at {path}")
    plain = _parsed(path)
    if not isinstance(plain, dict):
        raise ValueError(f"recipe {path} holds a {type(plain).__name__}; it must be a table of fields")
    recipe = Recipe.from_plain(plain)
    if "path" in recipe.corpus:
        recipe.corpus["path"] = str((path.parent / recipe.corpus["path"]).resolve())
    return recipe


def refuse_other_recipe(before: Recipe, now: Recipe) -> None:
    """Refuse to go on with a run under a recipe that would change its curve, naming the field.

    `steps` may grow where the schedule does not depend on it.
    """
    old, new = before.to_plain(), now.to_plain()
    if not SCHEDULES[now.schedule].uses_steps and now.steps >= before.steps:
        del old["steps"], new["steps"]
    if changed := [name for name in old if old[name] != new[name]]:
        name = changed[0]
        raise ValueError(
            f"recipe field {name!r} was {old[name]!r} when this run began and is {new[name]!r} now; "
            "go on with the old recipe or train into another folder"
        )


def _read_yaml(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


def _parsed(path: Path) -> Any:
    with foreign_input(f"recipe {path} cannot be read as {path.suffix}: its parser refuses it"):
        return READERS[path.suffix](path.read_text(encoding="utf-8"))


READERS = {".toml": tomllib.loads, ".yaml": _read_yaml, ".yml": _read_yaml, ".json": json.loads}


def _typed(name: str, kind: Any, value: Any) -> Any:
    """The value as its field's type; whole numbers do for fractional ones, and nothing else does."""
    expected = kind if isinstance(kind, type) else dict
    right = isinstance(value, (int, float) if expected is float else expected) and not isinstance(value, bool)
    if not right:
        raise TypeError(f"recipe field {name!r} is {value!r}; it must be of type {expected.__name__}")
    return float(value) if expected is float else value


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"unknown {name} {value!r}; known: {known_names(value, known)}")

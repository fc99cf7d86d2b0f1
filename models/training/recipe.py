"""A recipe: everything that decides a training run, whatever it trains, in a small TOML or YAML file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from headscope.models import zoo
from headscope.models.data.table import fields_of
from headscope.models.fitting.plan import Plan
from headscope.models.fitting.schedule import SCHEDULES
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import expanded_path
from headscope.models.io.plain_record import record_from, refuse_unknown_choice

PRECISIONS = ("float32", "bfloat16")
MOST_BATCH = 2**20
START, FINGERPRINT = "start", "fingerprint"  # of a model that begins with the weights of another
LEAST_ONE = ("steps", "batch", "save_every", "measure_every")
NOT_NEGATIVE = ("warmup", "snapshots", "seed", "lr", "weight_decay")
OF_TEXT = ("vocabulary", "context", "windows", "split_seed", "validation_windows")
# What fields were called before, and what they are now; a diffusion model's had names of its own.
RENAMED = {
    "corpus": "'data'",
    "validate_every": "'measure_every'",
    **{name: f"'{name}' of the table 'data'" for name in OF_TEXT},
    "variant": "'variant' of the table 'attention'",
    "d_model": "'hidden_size' of the table 'model'",
    "layers": "'num_hidden_layers' of the table 'model'",
    "heads": "'num_attention_heads' of the table 'model'",
}


@dataclass(frozen=True)
class Recipe:
    """What a run is made of; two runs of equal recipes on one machine have equal loss curves.

    `model` holds the fields of a transformers config (`model_type` among them), or `start`: a folder or a shipped model
    whose weights, config and tokenizer it begins with; a run adds that one's `fingerprint`. `data` names a row of the
    table of data by its `source`, with that row's own fields, `attention` holds the fields of an `AttentionSpec`;
    `batch` counts the examples of a step, over all processes: windows of a text, rows of a task, images. All others are
    a plan's.
    """

    model: Fields
    data: Fields
    steps: int
    attention: Fields = field(default_factory=lambda: {"variant": "softmax"})
    batch: int = 16
    seed: int = 0
    lr: float = 1e-3
    warmup: int = 100
    schedule: str = "cosine"
    weight_decay: float = 0.1
    clip: float = 1.0
    precision: str = "float32"
    snapshots: int = 8
    save_every: int = 100
    measure_every: int = 100

    def __post_init__(self) -> None:
        for name in LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"recipe field {name!r} is {getattr(self, name)}; it must be at least 1")
        if self.batch > MOST_BATCH:
            raise ValueError(f"recipe field 'batch' is {self.batch}; it must be at most {MOST_BATCH}")
        for name in NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"recipe field {name!r} is {getattr(self, name)}; it must not be negative or infinite")
        refuse_unknown_choice("schedule", self.schedule, SCHEDULES)
        refuse_unknown_choice("precision", self.precision, PRECISIONS)
        if START in self.model:
            refuse_fields_beside_start(self.model)
        fields_of(self.data)

    @property
    def plan(self) -> Plan:
        """The fields that decide how its model is trained, whatever that is."""
        return Plan(**{item.name: getattr(self, item.name) for item in fields(Plan)})

    @property
    def spec(self) -> AttentionSpec:
        """Its attention, by default in all layers."""
        beside = self.attention.get("beside", [])
        parts = [{"options": {}, **part} for part in beside] if isinstance(beside, list) else beside  # type: ignore[dict-item]
        return AttentionSpec.from_json({"layers": "all", "options": {}, **self.attention, "beside": parts})

    @classmethod
    def from_plain(cls, plain: Mapping[str, object]) -> "Recipe":
        """The recipe of a plain mapping; unknown, missing, renamed and mistyped fields are refused by name."""
        if old := [name for name in plain if name in RENAMED]:
            raise ValueError(f"recipe field {old[0]!r} is {RENAMED[old[0]]} now")
        return record_from(cls, plain)

    def to_plain(self) -> Fields:
        """The recipe as JSON-plain values; its paths are whole ones, since a file of it may lie in any folder."""
        return json.loads(json.dumps(asdict(with_whole_paths(self, Path.cwd()))))


def with_whole_paths(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with its paths whole, as they are taken from the folder."""
    data, model = dict(recipe.data), dict(recipe.model)
    if "path" in data:
        data["path"] = str((folder / data["path"]).resolve())
    if START in model:
        model[START] = start_from(folder, model[START])
    return replace(recipe, data=data, model=model)


def start_from(folder: Path, start: str) -> str:
    """The name of a shipped model as it is; anything else as a path from the folder."""
    return start if start in zoo.names() else str((folder / expanded_path(start)).resolve())


def refuse_fields_beside_start(model: Fields) -> None:
    """Refuse what a model that starts from a folder takes from it."""
    if not isinstance(model[START], str):
        raise TypeError(
            f"recipe field 'model.{START}' is {model[START]!r}; it must be a folder or a shipped model's name"
        )
    if more := [name for name in model if name not in (START, FINGERPRINT)]:
        raise ValueError(
            f"recipe field 'model.{more[0]}' stands beside 'model.{START}', whose folder decides it: leave it out"
        )


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

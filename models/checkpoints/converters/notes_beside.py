"""What a training code wrote beside its weights: the model's config in a small file of plain values."""

from pathlib import Path

from headscope.models.checkpoints.files.entries import plain_file, read_object
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.io.fields import Fields
from headscope.models.io.plain_values import read_plain

JSON = ("lit_config.json",)
YAML = ("model_config.yaml",)


def tables_beside(file: Path) -> tuple[Fields, ...]:
    """The tables in litgpt's files of a config, where they stand in the folder of the weights."""
    folder = file.parent
    objects = [read_object(folder, name) for name in JSON if (folder / name).exists()]
    return (*objects, *(read_yaml(folder, name) for name in YAML if (folder / name).exists()))


def read_yaml(folder: Path, name: str) -> Fields:
    """The table of plain values in a YAML file; one that asks for objects is refused."""
    place = plain_file(folder, name)
    table = read_plain(place, refusal=CheckpointError)
    if not isinstance(table, dict):
        raise CheckpointError(f"cannot open {place}: it holds a {type(table).__name__}, no table")
    return {str(key): value for key, value in table.items()}

"""The table of data: what a recipe can train on, by name. A new row is a record of its fields and a function here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headscope.models.data.images.classifying import DigitImages, digits_material
from headscope.models.data.images.denoising import NoisyDigits, noisy_digits_material
from headscope.models.data.material import Material
from headscope.models.data.tasks.delayed_sum_windows import DelayedSums, delayed_sums_material
from headscope.models.data.tasks.denoising import Denoising
from headscope.models.data.tasks.neighbours import Neighbours
from headscope.models.data.tasks.passkeys import Passkeys
from headscope.models.data.tasks.task_material import task_material
from headscope.models.data.text.sources import Dataset, OnesAndZeros, Stdlib, Stories, TextFiles
from headscope.models.data.text.text_material import text_material
from headscope.models.hosts.modality import Reads
from headscope.models.io.near_names import known_names
from headscope.models.io.plain_record import record_from, refuse_out_of_range

TABLE = "data."  # what the fields of a recipe's table are called by


@dataclass(frozen=True)
class DataRow:
    """One kind of data.

    reads: what a model must read to be trained on it. fields: a dataclass, what a recipe says of it. material: those
    fields, the examples of a step and a seed -> the material.
    """

    reads: Reads
    fields: type
    material: Callable[[Any, int, int], Material]


DATA: dict[str, DataRow] = {
    "stdlib": DataRow("text", Stdlib, text_material),
    "text": DataRow("text", TextFiles, text_material),
    "dataset": DataRow("text", Dataset, text_material),
    "stories": DataRow("text", Stories, text_material),
    "ones_and_zeros": DataRow("text", OnesAndZeros, text_material),
    "delayed_sums": DataRow("text", DelayedSums, delayed_sums_material),
    "denoising": DataRow("text", Denoising, task_material),
    "neighbours": DataRow("text", Neighbours, task_material),
    "passkeys": DataRow("text", Passkeys, task_material),
    "digits": DataRow("image", DigitImages, digits_material),
    "noisy_digits": DataRow("noisy image", NoisyDigits, noisy_digits_material),
}


def row_of(plain: Mapping[str, object]) -> DataRow:
    """The row that a recipe's table `data` names by its `source`."""
    name = plain.get("source")
    if not isinstance(name, str) or name not in DATA:
        raise ValueError(f"unknown data {name!r} in the recipe; known: {known_names(name, DATA)}")
    return DATA[name]


def fields_of(plain: Mapping[str, object]) -> Any:
    """What a recipe's table `data` says, as its row's record; unknown, missing and impossible fields are refused."""
    kind = row_of(plain).fields
    record = record_from(kind, {name: value for name, value in plain.items() if name != "source"}, TABLE)
    refuse_out_of_range(record, TABLE)
    return record


def material_of(plain: Mapping[str, object], batch: int, seed: int) -> Material:
    """The material of a recipe's table `data`, `batch` examples in a step, drawn from the seed."""
    return row_of(plain).material(fields_of(plain), batch, seed)

"""Sweep file: a request as TOML, YAML or JSON; paths in it are taken from its folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headscope.interp.asking.choices import Choices
from headscope.interp.sweeps.request import Model, SweepRequest
from headscope.models import zoo
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import expanded_path
from headscope.models.io.near_names import known_names
from headscope.models.io.plain_values import READERS, read_plain

FIELDS = ("models", "analyses", "prompts", "bos", "choices")
OF_MODELS = ("name", "steps")
CHOICES = ("corrupt", "target", "distractor", "embedding", "distance", "cell")


def read_sweep(path: Path) -> SweepRequest:
    """The request of a file. Raises ValueError in one sentence for what is missing, unknown, or of another kind."""
    if path.suffix not in READERS:
        raise ValueError(f"sweep {path} ends in {path.suffix!r}; known: {known_names(path.suffix, READERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no sweep at {path}")
    plain = read_plain(path, called="sweep ")
    try:
        return sweep_request(table_of(plain, FIELDS, "a sweep"), path.parent)
    except (TypeError, ValueError) as fault:
        raise type(fault)(f"sweep {path} cannot be read: {fault}") from fault


def sweep_request(plain: Fields, folder: Path) -> SweepRequest:
    """The request of plain values."""
    bos = plain.get("bos")
    if bos not in (None, True, False):
        raise ValueError(f"bos is true or false, got {bos!r}")
    return SweepRequest(
        tuple(model_named(item, folder) for item in listed(plain.get("models", []), "models")),
        tuple(map(text_of, listed(plain.get("analyses", []), "analyses"))),
        {name: texts_of(value, name, folder) for name, value in dict_of(plain.get("prompts", {}), "prompts").items()},
        bos,
        Choices(**table_of(plain.get("choices", {}), CHOICES, "choices")),
    )


def model_named(value: object, folder: Path) -> Model:
    """A name, or a table of name and steps."""
    plain = {"name": value} if isinstance(value, str) else table_of(value, OF_MODELS, "a model")
    name, steps = text_of(plain.get("name")), plain.get("steps")
    if isinstance(steps, list) and not all(type(step) is int for step in steps):
        raise ValueError(f"steps of {name} are whole numbers, got {steps}")
    beside = folder / expanded_path(name)
    is_path = name not in (*zoo.names(), *zoo.diffusion_names()) and beside.exists()
    return Model(str(beside.resolve()) if is_path else name, steps)


def texts_of(value: object, name: str, folder: Path) -> tuple[str, ...]:
    """A set's texts: one, a list, or the lines of a file as {file = "texts.txt"}."""
    if isinstance(value, dict):
        file = folder / expanded_path(text_of(table_of(value, ("file",), f"prompts.{name}").get("file")))
        return tuple(line for line in file.read_text(encoding="utf-8").splitlines() if line.strip())
    return (value,) if isinstance(value, str) else tuple(map(text_of, listed(value, f"prompts.{name}")))


def table_of(value: object, known: Sequence[str], called: str) -> Fields:
    """A table whose fields are all known."""
    plain = dict_of(value, called)
    for name in plain:
        if name not in known:
            raise ValueError(f"{called} has no field {name!r}; known: {known_names(name, known)}")
    return plain


def dict_of(value: object, called: str) -> Fields:
    """A table."""
    if not isinstance(value, dict):
        raise ValueError(f"{called} must be a table of fields, got a {type(value).__name__}")
    return value


def listed(value: object, called: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise ValueError(f"{called} must be a list, got {value!r}")
    return value


def text_of(value: object) -> str:
    """A text."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"a text is needed, got {value!r}")
    return value

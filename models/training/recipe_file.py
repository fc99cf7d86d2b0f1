"""A recipe's file: TOML, YAML or JSON."""

from pathlib import Path

from headscope.models.io.fields import Fields
from headscope.models.io.near_names import known_names
from headscope.models.io.plain_values import READERS, read_plain
from headscope.models.training.recipe import START, Recipe, start_from, with_whole_paths

MOST_BYTES = 2**16


def read_recipe(path: Path, start: str | None = None) -> Recipe:
    """The recipe of a .toml, .yaml, .yml or .json file; paths in it are taken from the file's folder.

    start: what a recipe without a model of its own starts from, a path from here.
    """
    if path.suffix not in READERS:
        raise ValueError(f"recipe {path} ends in {path.suffix!r}; known: {known_names(path.suffix, READERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe at {path}")
    plain = read_plain(path, MOST_BYTES, "recipe ")
    if not isinstance(plain, dict):
        raise ValueError(f"recipe {path} holds a {type(plain).__name__}; it must be a table of fields")
    try:
        recipe = Recipe.from_plain(plain if start is None else with_start(plain, path, start))
    except (TypeError, ValueError) as fault:
        raise type(fault)(f"recipe {path} cannot be read: {fault}") from fault
    return with_whole_paths(recipe, path.parent)


def with_start(plain: Fields, path: Path, start: str) -> Fields:
    """A recipe's fields with a model that starts from what is named; refused where it has a model of its own."""
    if "model" in plain:
        raise ValueError(f"recipe {path} describes a model, and {start} was given to start from: leave one of them out")
    return {**plain, "model": {START: start_from(Path.cwd(), start)}}

"""A recipe's file: TOML, YAML or JSON."""

import json
import tomllib
from pathlib import Path

from headscope.models.io.bounds import bounded_text, refuse_deep
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names
from headscope.models.io.plain_yaml import plain_yaml
from headscope.models.training.recipe import Recipe

MOST_BYTES = 2**16
READERS = {".toml": tomllib.loads, ".yaml": plain_yaml, ".yml": plain_yaml, ".json": json.loads}


def read_recipe(path: Path) -> Recipe:
    """The recipe of a .toml, .yaml, .yml or .json file; paths in it are taken from the file's folder."""
    if path.suffix not in READERS:
        raise ValueError(f"recipe {path} ends in {path.suffix!r}; known: {known_names(path.suffix, READERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe at {path}")
    with foreign_input(f"recipe {path} cannot be read as {path.suffix}: its parser refuses it"):
        plain = READERS[path.suffix](bounded_text(path, MOST_BYTES))
        refuse_deep(plain)
    if not isinstance(plain, dict):
        raise ValueError(f"recipe {path} holds a {type(plain).__name__}; it must be a table of fields")
    recipe = Recipe.from_plain(plain)
    if "path" in recipe.data:
        recipe.data["path"] = str((path.parent / recipe.data["path"]).resolve())
    return recipe

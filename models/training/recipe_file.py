"""A recipe's file: TOML, YAML or JSON."""

import json
import tomllib
from pathlib import Path

from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names
from headscope.models.training.recipe import Recipe


def read_recipe(path: Path) -> Recipe:
    """The recipe of a .toml, .yaml, .yml or .json file; paths in it are taken from the file's folder."""
    if path.suffix not in READERS:
        raise ValueError(f"recipe {path} ends in {path.suffix!r}; known: {known_names(path.suffix, READERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no recipe at {path}")
    with foreign_input(f"recipe {path} cannot be read as {path.suffix}: its parser refuses it"):
        plain = READERS[path.suffix](path.read_text(encoding="utf-8"))
    if not isinstance(plain, dict):
        raise ValueError(f"recipe {path} holds a {type(plain).__name__}; it must be a table of fields")
    recipe = Recipe.from_plain(plain)
    if "path" in recipe.data:
        recipe.data["path"] = str((path.parent / recipe.data["path"]).resolve())
    return recipe


def _read_yaml(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


READERS = {".toml": tomllib.loads, ".yaml": _read_yaml, ".yml": _read_yaml, ".json": json.loads}

"""tokenizer.json before the tokenizers library sees it: bounded tables of tokens, and steps that end."""

import json
from collections.abc import Iterable
from pathlib import Path

from headscope.models.checkpoints.files.entries import plain_file
from headscope.models.checkpoints.files.refusal import CheckpointError
from headscope.models.checkpoints.files.tokenizer_steps import refuse_unbounded_steps
from headscope.models.io.bounds import bounded_text, refuse_deep, refuse_wide
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input

MAX_BYTES = 40 * 2**20  # the largest of the families here, Gemma's, have 33
# Marks of JSON in a file, each with how many at most: Python's tables and lists are many times as large as their text.
MOST_MARKS = {"{": 100_000, "[": 2_000_000, '":': 1_500_000}
MAX_ADDED = 2**14  # three seconds of the library; Gemma has 6 000
MAX_ID = 2**22  # the library keeps a place for every number up to the largest
MAX_CHARACTERS = 1024  # of an added token
WHOLE = ("max_input_chars_per_word", "unk_id")
NUMBERS = ("model_max_length",)


def checked_tokenizer_file(folder: Path, name: str) -> Fields:
    """What tokenizer.json says. Raises CheckpointError where the library would hang, abort or fill the memory."""
    file = plain_file(folder, name)
    with foreign_input(f"cannot open the tokenizer of {folder}: {name} is refused", CheckpointError):
        fields = tokenizer_fields(file)
        refuse_deep({name: value for name, value in fields.items() if name != "model"})
        refuse_unbounded_steps(fields)
        refuse_added(fields.get("added_tokens"))
        refuse_vocabulary(fields.get("model"))
    return fields


def tokenizer_fields(file: Path) -> Fields:
    """The object in the file."""
    text = bounded_text(file, MAX_BYTES)
    refuse_wide(text, MOST_MARKS)
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError(f"it is a JSON {type(fields).__name__}, not an object")
    return fields


def refuse_added(added: object) -> None:
    """Raise ValueError for tokens beside the vocabulary that are too many, too long or no such tokens."""
    if not isinstance(added, list | None) or len(added or ()) > MAX_ADDED:
        raise ValueError(f"its added_tokens are no list of at most {MAX_ADDED}")
    for token in added or ():
        if not isinstance(token, dict) or not isinstance(token.get("content"), str):
            raise ValueError("an added token is no object with an id and a content")
        if not 0 < len(token["content"]) <= MAX_CHARACTERS:
            raise ValueError(f"an added token has {len(token['content'])} characters; 1 to {MAX_CHARACTERS} are read")
    refuse_ids([token.get("id") for token in added or ()])


def refuse_vocabulary(model: object) -> None:
    """Raise ValueError for a model whose tokens have no numbers of their own, or huge ones."""
    if not isinstance(model, dict):
        raise ValueError("its model is no object")
    refuse_deep({name: value for name, value in model.items() if name not in ("vocab", "merges")})
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        refuse_ids(vocabulary.values())
    elif not isinstance(vocabulary, list):
        raise ValueError("its model has no vocab")
    for name in WHOLE:
        if (number := model.get(name)) is not None and not (type(number) is int and 0 <= number <= MAX_ID):
            raise ValueError(f"its {name} is {number!r:.40}; at most {MAX_ID}")


def refuse_ids(ids: Iterable[object]) -> None:
    """Raise ValueError for ids that are no whole numbers, too large, or of two tokens."""
    seen: set[object] = set()
    for number in ids:
        if type(number) is not int or not 0 <= number <= MAX_ID:
            raise ValueError(f"a token has the id {number!r:.40}; ids are whole numbers from 0 to {MAX_ID}")
        if number in seen:
            raise ValueError(f"two tokens have the id {number}")
        seen.add(number)


def refuse_tokenizer_settings(file: Path, fields: Fields) -> None:
    """Raise CheckpointError for a tokenizer_config.json with too many tokens, or a length that is no number."""
    for name in NUMBERS:
        if not isinstance(length := fields.get(name), int | float | None) or isinstance(length, bool):
            raise CheckpointError(f"cannot open {file}: {name} is {length!r:.40}, not a number")
    for name, value in {**fields, "the whole": fields}.items():
        if isinstance(value, dict | list) and len(value) > MAX_ADDED:
            raise CheckpointError(f"cannot open {file}: {name!r} has {len(value)} entries; at most {MAX_ADDED}")

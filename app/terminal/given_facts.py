"""Given facts: what --given says of a checkpoint that does not say it itself."""

from collections.abc import Mapping, Sequence


def given_facts(words: Sequence[str]) -> Mapping[str, str]:
    """Facts from NAME=VALUE, each name once. Raises ValueError for what is no such pair."""
    result: dict[str, str] = {}
    for word in words:
        name, is_pair, value = (part.strip() for part in word.partition("="))
        if not (is_pair and name and value):
            raise ValueError(f"--given takes NAME=VALUE, as n_heads=8; got {word!r}")
        if name in result:
            raise ValueError(f"--given {name} was given twice")
        result[name] = value
    return result

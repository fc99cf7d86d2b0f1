"""YAML of plain values: no objects, and few aliases, with which a short text could stand for a table without end."""

from typing import Any

import yaml

MOST_BYTES = 2**16  # PyYAML reads some ten kilobytes in a second
MOST_ALIASES = 16


class FewAliasesLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which counts the aliases of a text."""

    aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node of the text; refused where it is an alias too many."""
        self.aliases += self.check_event(yaml.AliasEvent)
        if self.aliases > MOST_ALIASES:
            raise ValueError(f"it has more than {MOST_ALIASES} aliases")
        return super().compose_node(parent, index)


def plain_yaml(text: str) -> object:
    """The plain values in a text. Raises ValueError and YAMLError."""
    if len(text) > MOST_BYTES:
        raise ValueError(f"it has {len(text)} characters; at most {MOST_BYTES} are read")
    return yaml.load(text, FewAliasesLoader)

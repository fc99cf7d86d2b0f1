"""Fields: what a JSON object or a table holds, by name; whoever reads a field checks what is in it."""

from typing import Any

Fields = dict[str, Any]

"""The arguments of a call by name, whether they came by place or by keyword."""

from typing import Any

Places = tuple[Any, ...]
Keywords = dict[str, Any]


def by_name(names: tuple[str, ...], args: Places, kwargs: Keywords) -> Keywords:
    """All arguments of a call by name; `names` are the parameters in order."""
    return {**dict(zip(names, args, strict=False)), **kwargs}

"""Near names: the names that there are, and the one that may have been meant by a name that is unknown."""

from collections.abc import Iterable
from difflib import get_close_matches


def known_names(name: object, known: Iterable[str]) -> str:
    """What a sentence about an unknown name ends with: all that are known, and the nearest, whatever its capitals."""
    names = list(known)
    by_small = {item.lower(): item for item in names}
    near = get_close_matches(str(name).lower(), by_small, n=1)
    meant = f"; did you mean {by_small[near[0]]!r}?" if near else ""
    return f"{', '.join(names) or 'none'}{meant}"

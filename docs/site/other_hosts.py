"""Other hosts: what a built page would fetch from elsewhere, which is nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|link)\b[^>]*?\b(?:src|srcset|href)=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|url\(["']?((?:https?:)?//[^"')]+)|@import\s+["']((?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)


def asked_elsewhere(text: str) -> list[str]:
    """The addresses that a page or a style sheet fetches from other hosts; a link is followed by people alone."""
    return [next(filter(None, found)) for found in FETCHED.findall(text) if any(found)]


def files_that_ask(site: Path) -> Iterator[str]:
    """Every page and style sheet of a site that fetches from elsewhere, and what it does."""
    for file in sorted(site.rglob("*")):
        if file.suffix in (".html", ".css"):
            for address in asked_elsewhere(file.read_text(encoding="utf-8")):
                yield f"{file.relative_to(site)} fetches {address}"

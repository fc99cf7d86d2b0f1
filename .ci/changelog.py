"""Changelog: its newest heading becomes a version with its date; a version has one."""

import re
from datetime import date

HEADING = re.compile(r"^## (?P<name>.+)$", re.M)
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


def cut(changelog: str, version: str, day: date) -> str:
    """The changelog with that version, of that day, as its newest. Raises ValueError for a version it has already."""
    if not VERSION.fullmatch(version):
        raise ValueError(f"a version is three numbers, perhaps with a, b or rc: 0.3.0 or 0.3.0rc1; got {version!r}")
    headings = [match["name"] for match in HEADING.finditer(changelog)]
    if not headings:
        raise ValueError("the changelog has no heading '## …' to make a version of")
    if version in released(changelog):
        raise ValueError(f"version {version} is in the changelog already, with its date")
    if is_dated(headings[0]):
        raise ValueError(f"nothing is written above {headings[0]!r}: a release has changes under a heading of its own")
    return HEADING.sub(f"## {version}, {day.isoformat()}", changelog, count=1)


def released(changelog: str) -> list[str]:
    """The versions that have a date, newest first."""
    return [match["name"].split(",")[0] for match in HEADING.finditer(changelog) if is_dated(match["name"])]


def is_dated(heading: str) -> bool:
    """Whether a heading is that of a version with its date."""
    return re.fullmatch(r"\S+, \d{4}-\d\d-\d\d", heading) is not None

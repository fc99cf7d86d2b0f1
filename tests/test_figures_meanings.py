"""Meanings: one colour says one thing, in figures and on pages, and stands in one place."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from headscope.interp.figures.palette.colours import LINES, MEANINGS

ROOT = Path(__file__).parents[1]
HEX = re.compile(r"#?\b[0-9a-f]{6}\b", re.IGNORECASE)
ACCENTS = {"#4f46e5", "#a5a0ff", "#6d66f2"}  # what is open, chosen or focused: on light, on dark, on both
RAMPS = "app/drawings/signed_colours.js"
# Plotly's own colours; a page's links; code in the colours of its words; what dark pages turn colours to.
OWN = ("static/cells.py", "static/paint.py", "report/page.py", "page_style.css", "drawing/dark.py", "wordmark.svg")


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


def coloured(colours: set[str]) -> set[str]:
    """Those that are not nearly grey."""
    return {item for item in colours if np.ptp(channels(item)) > 40}


def test_no_two_meanings_have_nearly_one_colour() -> None:
    others = {f"line {at}": colour for at, colour in enumerate(LINES)}
    names = {**MEANINGS, **others}
    near = [
        (one, other)
        for one, other in combinations(names, 2)
        if {one, other} - {*others} and np.linalg.norm(channels(names[one]) - channels(names[other])) < 40
    ]
    assert near == []


@pytest.mark.parametrize("room", ["interp/figures", "interp/report", "app/figure", "app/panels", "app/frame"])
def test_figures_take_their_colours_from_the_palette(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        if "palette" not in path.parts and not str(path).endswith(OWN):
            own = {item.lower() for item in HEX.findall(path.read_text(encoding="utf-8")) if item.startswith("#")}
            assert coloured(own) == set(), path.name


def test_drawings_have_the_colours_of_signs_and_of_what_is_chosen() -> None:
    signs = {f"#{item}".lower() for item in HEX.findall((ROOT / RAMPS).read_text(encoding="utf-8"))}
    for path in (path for kind in ("*.js", "*.css") for path in (ROOT / "app").rglob(kind)):
        if path.name not in OWN and not path.name.endswith("_bundle.js") and str(path.relative_to(ROOT)) != RAMPS:
            own = {item.lower() for item in HEX.findall(path.read_text(encoding="utf-8")) if item.startswith("#")}
            assert coloured(own) - ACCENTS - signs == set(), path.name

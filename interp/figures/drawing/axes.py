"""Axes: of tokens and other names, logarithmic ones, and those that count downwards."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from headscope.interp.figures.drawing.canvas import escaped, with_blank_ends
from headscope.interp.figures.palette.properties import Properties
from headscope.interp.results.result import Result

MOST_TICKS, LONGEST_TICK = 22, 14
TICK_FONT, STEEP = {"size": 10}, -75
BESIDE = 4e-4  # of an axis; plotly reads the cut name of a tick that is within 1e-4 of the place that is pointed at


def name_axis(names: Sequence[str], most: int = MOST_TICKS, **axis: object) -> Properties:
    """An axis of places 0, 1, …: every nth is labelled with its name, cut; %{x} or %{y} says any place's whole name."""
    at = range(0, len(names), max(1, -(-len(names) // most)))
    short = [item if len(item) <= LONGEST_TICK else f"{item[: LONGEST_TICK - 1]}…" for item in names]
    return {
        "tickmode": "array",
        "tickvals": [i + BESIDE * len(names) for i in at],
        "ticktext": [escaped(short[i]) for i in at],
        "labelalias": {str(i): escaped(name) for i, name in enumerate(names)},
        "exponentformat": "none",
        "zeroline": False,
        "tickfont": TICK_FONT,
        "tickangle": STEEP,
        **axis,
    }


def token_axis(tokens: Sequence[str], most: int = MOST_TICKS, **axis: object) -> Properties:
    """The same of a prompt's tokens, which may be alike: %{x} or %{y} says the token and its position."""
    words = {str(at): f"{escaped(token)} at {at}" for at, token in enumerate(tokens)}
    placed = [f"{at} {with_blank_ends(token)}" for at, token in enumerate(tokens)]
    return name_axis(placed, most, **axis) | {"labelalias": words}


def names_along(result: Result, axis: str, count: int) -> tuple[str, ...]:
    """What stands along an axis of a result: its labels, or numbers from 0 where it has none."""
    return result.labels.get(axis, tuple(map(str, range(count))))


def top_down(**axis: object) -> Properties:
    """A y axis that counts downwards; its labels lie flat."""
    return {"autorange": "reversed", "ticklabelstandoff": 3, **axis, "tickangle": 0}


def log_axis(values: Float[np.ndarray, "..."], **axis: object) -> Properties:
    """A logarithmic axis over the positive values, labelled at 1, 2 and 5 times the powers of ten that they span."""
    known = np.log10(values[np.isfinite(values) & (values > 0)])
    if not known.size:
        return {"type": "log", **axis}
    powers = range(int(np.floor(known.min())), int(np.ceil(known.max())) + 1)
    at = [step * 10.0**power for power in powers for step in ((1, 2, 5) if len(powers) <= 4 else (1,))]
    return {"type": "log", "tickmode": "array", "tickvals": at, "ticktext": [f"{item:g}" for item in at], **axis}

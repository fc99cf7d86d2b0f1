"""Windows in which a span of the text stands twice, so that what came before tells what comes next."""

import numpy as np
from jaxtyping import Int64
from torch import Tensor

SHORTEST = 8  # tokens of a span; a shorter one often stands twice in any text
STREAM = 1  # of random numbers, apart from those that draw the windows
Rows = Int64[Tensor, "window token"]


def refuse_repeats(share: float, windows: str, context: int) -> None:
    """Refuse repeats in windows that are one document each, or too short to hold a span twice."""
    if windows != "joined":
        raise ValueError(f"recipe field 'data.repeats' is {share}; it needs 'data.windows' to be 'joined'")
    if context < 2 * SHORTEST:
        raise ValueError(
            f"recipe field 'data.repeats' is {share} and windows have {context} tokens; "
            f"a span of {SHORTEST} tokens stands twice in {2 * SHORTEST} or more"
        )


def with_repeats(windows: Rows, share: float | None, *, seed: int, step: int) -> Rows:
    """Windows, of which a random `share` hold a span again, somewhere after it, in place of what stood there.

    A span has from 8 tokens to half of those after a window's first, which stays. A function of seed and step.
    """
    if share is None:
        return windows
    dice, result = np.random.default_rng([seed, step, STREAM]), windows.clone()
    for row in np.flatnonzero(dice.random(len(result)) < share):
        repeat_span(result.numpy()[row, 1:], dice)
    return result


def repeat_span(window: Int64[np.ndarray, "token"], dice: np.random.Generator) -> None:
    """Write a random span of the window again at a random place after it."""
    length = int(dice.integers(SHORTEST, len(window) // 2, endpoint=True))
    start = int(dice.integers(0, len(window) - 2 * length, endpoint=True))
    again = int(dice.integers(start + length, len(window) - length, endpoint=True))
    window[again : again + length] = window[start : start + length]

"""Windows of delayed sums: of one law or of several mixed, from states trained on and from whole cycles held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from jaxtyping import Int64

from headscope.models.data.examples import Examples, Task
from headscope.models.data.material import Material
from headscope.models.data.tasks.answering import HELD_OUT
from headscope.models.data.tasks.cycles import ALL, PARTS
from headscope.models.data.tasks.delayed_sums import DelayedSum, mixed_windows_from, mixture, windows_from, windows_of
from headscope.models.data.tasks.task_material import rows_material
from headscope.models.io.plain_record import refuse_unknown_choice

MOST_BITS = 20


@dataclass(frozen=True)
class DelayedSums:
    """laws: pairs of N and τ; several are mixed, each window behind a token that names its law.

    length: symbols of a window. measured: windows at most that a model is measured on. vocabulary: tokens that the
    model knows, by default those that there are. held_out: which of the cycles held out are measured, of PARTS.
    """

    laws: tuple[tuple[int, ...], ...]
    length: int = 16
    measured: int = 256
    vocabulary: int | None = None
    held_out: str = ALL

    def __post_init__(self) -> None:
        refuse_unknown_choice("data.held_out", self.held_out, PARTS)
        if not self.laws or any(len(law) != 2 for law in self.laws):
            raise ValueError(f"recipe field 'data.laws' is {self.laws}; it must list pairs of N and τ")
        if large := [law for law in self.laws if min(law) >= 1 and law[1] * log2(law[0]) > MOST_BITS]:
            raise ValueError(f"recipe field 'data.laws' has {large[0]}, a law of more than 2^{MOST_BITS} states")
        if unsplit := [law for law in self.laws if min(law) < 1 or not DelayedSum(*law).is_splittable()]:
            raise ValueError(f"recipe field 'data.laws' has {unsplit[0]}, a law with too few cycles to hold some out")
        if self.vocabulary is not None and self.vocabulary < self.tokens:
            raise ValueError(f"recipe field 'data.vocabulary' is {self.vocabulary}; these laws have {self.tokens}")

    @property
    def tokens(self) -> int:
        """How many there are: a token for each symbol, and for the name of each law where there are several."""
        return max(N for N, _ in self.laws) + (len(self.laws) if len(self.laws) > 1 else 0)


@dataclass(frozen=True)
class Windows:
    """What a model trains on, and what is measured: windows from states trained on, and from those held out."""

    training: Task
    seen: Examples
    held_out: Examples


def delayed_sums_material(data: DelayedSums, batch: int, seed: int) -> Material:
    """`batch` windows in a step, measured on those held out."""
    windows = windows_in(data)
    return rows_material(windows.training, windows.held_out, data.vocabulary or data.tokens, batch, seed)


def windows_in(data: DelayedSums) -> Windows:
    """The windows of its law, or of all of its laws mixed."""
    laws = [DelayedSum(*law) for law in data.laws]
    return windows_mixed(laws, data) if len(laws) > 1 else windows_alone(laws[0], data)


def windows_alone(law: DelayedSum, data: DelayedSums) -> Windows:
    """Of one law: no state that is measured begins two windows."""
    training = law.split().training
    seen, held_out = (each_once(states, data.measured) for states in (training, law.held_out(data.held_out)))
    return Windows(
        windows_of(law, training, data.length),
        windows_from(law, seen, data.length),
        windows_from(law, held_out, data.length),
    )


def windows_mixed(laws: Sequence[DelayedSum], data: DelayedSums) -> Windows:
    """Of all laws: as many measured windows of each, as far as its states reach."""
    training, share = [law.split().training for law in laws], data.measured // len(laws)
    held_out = [law.held_out(data.held_out) for law in laws]
    return Windows(
        mixture(laws, training, data.length),
        mixed_windows_from(laws, [each_once(states, share) for states in training], data.length),
        mixed_windows_from(laws, [each_once(states, share) for states in held_out], data.length),
    )


def each_once(states: Int64[np.ndarray, "state"], most: int) -> Int64[np.ndarray, "chosen"]:
    """All of the states, or as many as asked for: the same for every model and seed."""
    return np.random.default_rng([HELD_OUT]).permutation(states)[:most]

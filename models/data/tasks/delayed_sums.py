"""Delayed sums: x_t = (x_{t−1} + x_{t−τ}) mod N (Gros 2024, arXiv 2407.18601), by windows and by states."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from headscope.models.data.examples import Examples, Task, next_token_examples
from headscope.models.data.tasks.cycles import ALL, Split, is_splittable, part_by_cycles, periods_of, split_by_cycles


@dataclass(frozen=True)
class DelayedSum:
    """One law. Its state is the last τ symbols, numbered with the oldest as the highest digit in base N."""

    N: int
    tau: int

    def symbols(self, states: Int64[np.ndarray, "state"]) -> Int64[np.ndarray, "state tau"]:
        """The symbols of each state, oldest first."""
        return states[:, None] // self.N ** np.arange(self.tau)[::-1] % self.N

    def successors(self) -> Int64[np.ndarray, "state"]:
        """The state after each of the N^τ; a permutation, as the oldest symbol can be had back by a difference."""
        now = self.symbols(np.arange(self.N**self.tau))
        new = (now[:, -1:] + now[:, :1]) % self.N
        return np.hstack([now[:, 1:], new]) @ self.N ** np.arange(self.tau)[::-1]

    @cached_property
    def periods(self) -> Int64[np.ndarray, "state"]:
        """After how many symbols each state comes again."""
        return periods_of(self.successors())

    def windows(self, states: Int64[np.ndarray, "state"], length: int) -> Int64[np.ndarray, "state pos"]:
        """What begins with each state and goes on by the law."""
        rows = np.zeros((len(states), length), dtype=np.int64)
        rows[:, : self.tau] = self.symbols(states)
        for t in range(self.tau, length):
            rows[:, t] = (rows[:, t - 1] + rows[:, t - self.tau]) % self.N
        return rows

    def split(self, seed: int = 0) -> Split:
        """The states by whole cycles."""
        return split_by_cycles(self.successors(), seed)

    def held_out(self, part: str = ALL) -> Int64[np.ndarray, "state"]:
        """The states held out, or those of a half of their cycles: a part of PARTS."""
        return part_by_cycles(self.successors(), self.split().held_out, part)

    def is_splittable(self, seed: int = 0) -> bool:
        """Whether it has cycles enough to hold some out."""
        return is_splittable(self.successors(), seed)


def windows_from(law: DelayedSum, states: Int64[np.ndarray, "state"], length: int) -> Examples:
    """A window from each state. x_t is asked for τ ≤ t < period: later ones stood in the window a period before."""
    first = np.full(len(states), law.tau)
    return next_token_examples(law.windows(states, length), first, law.periods[states])


def mixed_windows_from(laws: Sequence[DelayedSum], states: Sequence[Int64[np.ndarray, "_"]], length: int) -> Examples:
    """A window from each state of each law, behind a token that names the law: the tokens after the symbols."""
    counts = [len(own) for own in states]
    names = np.repeat(max(law.N for law in laws) + np.arange(len(laws)), counts)
    rows = np.vstack([law.windows(own, length) for law, own in zip(laws, states, strict=True)])
    first = 1 + np.repeat([law.tau for law in laws], counts)
    periods = np.concatenate([law.periods[own] for law, own in zip(laws, states, strict=True)])
    return next_token_examples(np.column_stack([names, rows]), first, 1 + periods)


def windows_of(law: DelayedSum, states: Int64[np.ndarray, "state"], length: int) -> Task:
    """Windows of one law from states drawn among some of its own."""
    return lambda dice, count: windows_from(law, dice.choice(states, count), length)


def mixture(laws: Sequence[DelayedSum], states: Sequence[Int64[np.ndarray, "_"]], length: int) -> Task:
    """Windows of laws drawn with equal chances, from states drawn among some of each law's own."""

    def draw(dice: np.random.Generator, count: int) -> Examples:
        counts = dice.multinomial(count, np.full(len(laws), 1 / len(laws)))
        drawn = [dice.choice(own, many) for own, many in zip(states, counts, strict=True)]
        return mixed_windows_from(laws, drawn, length)

    return draw

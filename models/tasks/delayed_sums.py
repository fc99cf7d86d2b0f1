"""Delayed sums: x_t = (x_{t−1} + x_{t−τ}) mod N (Gros 2024, arXiv 2407.18601), by windows and by states."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from models.tasks.cycles import Split, is_splittable, split_by_cycles
from models.tasks.examples import Examples, Task, next_tokens


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

    def is_splittable(self, seed: int = 0) -> bool:
        """Whether it has cycles enough to hold some out."""
        return is_splittable(self.successors(), seed)


def windows_of(law: DelayedSum, states: Int64[np.ndarray, "state"], length: int) -> Task:
    """Windows of one law from some of its states; all that is determined is asked for."""

    def draw(dice: np.random.Generator, count: int) -> Examples:
        return next_tokens(law.windows(dice.choice(states, count), length), np.full(count, law.tau))

    return draw


def mixture(laws: Sequence[DelayedSum], states: Sequence[Int64[np.ndarray, "_"]], length: int) -> Task:
    """Windows of a law drawn for each, behind a token that names it: the tokens after the symbols."""
    names = max(law.N for law in laws) + np.arange(len(laws))

    def draw(dice: np.random.Generator, count: int) -> Examples:
        which = dice.integers(len(laws), size=count)
        rows = np.zeros((count, 1 + length), dtype=np.int64)
        for at, (law, own) in enumerate(zip(laws, states, strict=True)):
            mine = which == at
            rows[mine, 1:] = law.windows(dice.choice(own, mine.sum()), length)
        rows[:, 0] = names[which]
        return next_tokens(rows, 1 + np.array([law.tau for law in laws])[which])

    return draw

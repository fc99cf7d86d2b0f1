"""Cycles of a permutation, and whole cycles held out: no state of theirs is ever met in training."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

HELD_OUT = 0.25
FEWEST = 6
LEAST = 0.1
PARTS = ALL, FIRST_HALF, SECOND_HALF = ("all", "first half", "second half")
States = Int64[np.ndarray, "state"]


def cycle_of(successor: States) -> States:
    """The number of the cycle that each state lies on, in the order of their first states.

    Raises ValueError for a map that is no permutation: it has states that lie on no cycle.
    """
    if len(np.unique(successor)) != len(successor):
        raise ValueError("this map of states is no permutation: some states lie on no cycle")
    following, result, count = successor.tolist(), [-1] * len(successor), 0
    for first in range(len(following)):
        at = first
        while result[at] < 0:
            result[at], at = count, following[at]
        count += result[first] == count
    return np.array(result)


def periods_of(successor: States) -> States:
    """The length of the cycle that each state lies on."""
    cycle = cycle_of(successor)
    return np.bincount(cycle)[cycle]


@dataclass(frozen=True)
class Split:
    """States to train on and states held out, by whole cycles."""

    training: Int64[np.ndarray, "training_state"]
    held_out: Int64[np.ndarray, "held_out_state"]

    @property
    def share(self) -> float:
        """Of all states, those held out."""
        return len(self.held_out) / (len(self.training) + len(self.held_out))


def split_by_cycles(successor: States, seed: int) -> Split:
    """Cycles in a random order, held out as long as they fit into a quarter of all states."""
    cycle = cycle_of(successor)
    sizes = np.bincount(cycle)
    left, held_out = int(HELD_OUT * len(cycle)), []
    for item in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[item] <= left:
            held_out.append(item)
            left -= sizes[item]
    is_held_out = np.isin(cycle, held_out)
    return Split(np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out))


def part_by_cycles(
    successor: States, states: Int64[np.ndarray, "chosen_state"], part: str
) -> Int64[np.ndarray, "part_state"]:
    """All of the states, or those of one half of their cycles; part: of PARTS.

    From the longest cycle on each joins the half that has fewer states by then, so that the halves are no further apart
    than a cycle is long. ValueError for a half of fewer than two cycles.
    """
    if part == ALL:
        return states
    cycle = cycle_of(successor)[states]
    items, sizes = np.unique(cycle, return_counts=True)
    if len(items) < 2:
        raise ValueError(f"a half of the cycles held out takes two of them or more; there are {len(items)}")
    halves: tuple[list[int], list[int]] = ([], [])
    counts = [0, 0]
    for at in np.argsort(-sizes, kind="stable").tolist():
        lesser = counts.index(min(counts))
        halves[lesser].append(int(items[at]))
        counts[lesser] += int(sizes[at])
    return states[np.isin(cycle, halves[part == SECOND_HALF])]


def is_splittable(successor: States, seed: int) -> bool:
    """Whether there are at least FEWEST cycles, and those held out have at least LEAST of the states."""
    cycles = int(cycle_of(successor).max()) + 1
    return cycles >= FEWEST and split_by_cycles(successor, seed).share >= LEAST

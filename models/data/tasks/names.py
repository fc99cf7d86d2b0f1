"""Names of people, and the pairs of them that no training text brings together."""

from functools import cache
from itertools import combinations

import numpy as np

NAMES = (
    *("Adam", "Alice", "Amy", "Anna", "Arthur", "Ben", "Carl", "Clara", "Daniel", "David"),
    *("Emma", "Eric", "Eva", "Frank", "George", "Grace", "Hannah", "Henry", "Ian", "Jack"),
    *("James", "Jane", "John", "Julia", "Kate", "Kevin", "Laura", "Leo", "Lucy", "Mark"),
    *("Mary", "Nina", "Oliver", "Paul", "Peter", "Rose", "Sarah", "Simon", "Tom", "Victor"),
)
HELD_OUT = 0.1  # of all pairs
SEED = 0  # of the choice of pairs, the same for every corpus and every model

Pair = tuple[str, str]


@cache
def held_out_pairs() -> tuple[Pair, ...]:
    """A tenth of all pairs, each in alphabetical order."""
    pairs = list(combinations(NAMES, 2))
    chosen = np.random.default_rng(SEED).permutation(len(pairs))[: round(HELD_OUT * len(pairs))]
    return tuple(pairs[i] for i in sorted(chosen))


@cache
def _strangers() -> frozenset[Pair]:
    return frozenset(held_out_pairs())


def may_meet(names: tuple[str, ...]) -> bool:
    """Whether no two of the names are a pair that is held out."""
    return _strangers().isdisjoint(combinations(sorted(names), 2))

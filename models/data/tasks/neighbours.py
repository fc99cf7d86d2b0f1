"""Neighbours: the next token is a neighbour, in a fixed graph, of the present one among those seen before."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int64

from headscope.models.data.examples import UNASKED, Examples, examples_of


@dataclass(frozen=True)
class Neighbours:
    """A directed graph whose nodes have 1, 2, 4, … neighbours in turn: some tokens call for sharp rows, some for flat.

    A row is all nodes in a random order; after each, one of its neighbours that came before it is asked for. measured:
    rows held out that a model is measured on.
    """

    nodes: int = 64
    degrees: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    graph_seed: int = 0
    measured: int = 256

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.nodes

    @property
    def length(self) -> int:
        """Tokens of a row."""
        return self.nodes

    @cached_property
    def degree(self) -> Int64[np.ndarray, "node"]:
        """How many neighbours each node has."""
        return np.resize(self.degrees, self.nodes)

    @cached_property
    def graph(self) -> Bool[np.ndarray, "node node"]:
        """Row by row the neighbours of a node; none is its own."""
        order = np.random.default_rng(self.graph_seed).random((self.nodes, self.nodes))
        np.fill_diagonal(order, 2)
        return order.argsort(1).argsort(1) < self.degree[:, None]

    def seen(self, ids: Int64[np.ndarray, "example pos"]) -> Bool[np.ndarray, "example query key"]:
        """Which earlier places of a row hold a neighbour of the token at each place."""
        return self.graph[ids[:, :, None], ids[:, None, :]] & np.tri(ids.shape[1], k=-1, dtype=bool)

    def __call__(self, dice: np.random.Generator, count: int) -> Examples:
        """Rows, with a target where some neighbour was seen; the best predictor leaves ln(how many) nats."""
        ids = np.tile(np.arange(self.nodes), (count, 1))
        ids = dice.permuted(ids, axis=1)
        seen = self.seen(ids)
        chosen = np.where(seen, dice.random(seen.shape), -1).argmax(-1)
        number = seen.sum(-1)
        targets = np.where(number > 0, np.take_along_axis(ids, chosen, 1), UNASKED)
        return examples_of(ids, targets, np.log(np.maximum(number, 1)))

"""A map of a graph: what one head of one layer, by itself, says of the neighbours of every node."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headscope.models.attention.attend import attend
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.options import Options
from headscope.models.attention.run import Attention
from headscope.models.attention.table import variant_named
from headscope.models.hosts.attention_layer import AttentionLayer

OPTIONS: dict[str, Options] = {"softmax": {}, "selective": {"position": "none", "token": True, "on_value": False}}


@dataclass(frozen=True)
class NodeGraph:
    """A directed graph with embeddings of its nodes that are fixed, shorter than there are nodes."""

    neighbours: Bool[Tensor, "node neighbour"]
    embedding: Float[Tensor, "node d_model"]

    @property
    def degree(self) -> Int[Tensor, "node"]:
        """How many neighbours each node has."""
        return self.neighbours.sum(1)

    @property
    def target(self) -> Float[Tensor, "node neighbour"]:
        """P*: every neighbour of a node equally likely."""
        return self.neighbours / self.degree[:, None]


def random_graph(nodes: int, d_model: int, most_neighbours: int, dice: np.random.Generator) -> NodeGraph:
    """Degrees whose logarithm is uniform from 1 to the most, neighbours at random, embeddings of length √d_model."""
    degree = np.exp(dice.uniform(0, np.log(most_neighbours), nodes)).round().astype(int)
    order = dice.random((nodes, nodes))
    np.fill_diagonal(order, 2)  # no node is its own neighbour
    embedding = dice.normal(size=(nodes, d_model))
    embedding *= d_model**0.5 / np.linalg.norm(embedding, axis=1, keepdims=True)
    neighbours = torch.from_numpy(order.argsort(1).argsort(1) < degree[:, None])
    return NodeGraph(neighbours, torch.from_numpy(embedding).float())


class GraphMap(nn.Module):
    """P[i] = softmax_j(τ(e_i) e_iᵀ W e_j / √d_model), τ = 1 for softmax; W starts with a deviation of 1/√d_model."""

    def __init__(self, variant: str, d_model: int, dice: np.random.Generator) -> None:
        super().__init__()
        self.variant = variant
        self.W = nn.Parameter(torch.from_numpy(dice.normal(size=(d_model, d_model)) / d_model**0.5).float())
        options = {**variant_named(variant).options, **OPTIONS[variant]}
        self.parts = AttentionLayer(variant, options, LayerShape(1, d_model, d_model), number=0)

    def forward(self, embedding: Float[Tensor, "node d_model"]) -> Attention:
        """The attention of all nodes to all nodes, in a batch of 1 with one head."""
        query, key = (embedding @ self.W)[None], embedding[None, None]
        seen = torch.full(query.shape[:2], len(embedding))
        temper = self.parts.temperature_q
        tau = {} if temper is None else {"temperature_q": temper(query, seen)}
        return attend(self.variant, query[None], key, key, causal=False, **tau)

    def pattern(self, embedding: Float[Tensor, "node d_model"]) -> Float[Tensor, "node neighbour"]:
        """P."""
        pattern = self(embedding).pattern
        assert pattern is not None  # attend gives it unless told not to
        return pattern[0, 0]

    def loss(self, graph: NodeGraph) -> Float[Tensor, ""]:
        """The cross-entropy of P* and P in nats, mean over the nodes."""
        scores = self(graph.embedding).scores
        assert scores is not None  # as the pattern
        return nn.functional.cross_entropy(scores[0, 0], graph.target)

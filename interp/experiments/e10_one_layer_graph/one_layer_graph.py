"""E10: in one layer, query temperatures come nearer to a graph of nodes of many degrees, with smaller weights."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.arms.arms import arm_numbers, arms
from headscope.interp.arms.evidence import Answer, Sample
from headscope.interp.arms.margin import Floor, Margin
from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import Numbers, Place, Trial
from headscope.interp.arms.verdict import (
    Verdict,
    measurable_answer,
    pair_with_spread,
    superiority_answer,
)
from headscope.interp.experiments.e10_one_layer_graph.graph_map import OPTIONS, GraphMap, NodeGraph, random_graph
from headscope.interp.experiments.engine.adam_training import chosen_rate, train_by_adam
from headscope.interp.experiments.engine.experiment import PAPER, Experiment, Watch
from headscope.interp.experiments.engine.log_slope import log_slope
from headscope.interp.results.about import About
from headscope.interp.results.result import Result

SOURCE = "Zhang et al. 2024 (2411.12892), attention alone on a graph of tokens"
NEARER = Margin(0.1, "a twentieth of the range from 0 to 2")
SMALLER = Margin(0.05, "of ln ‖W‖_F: a twentieth of the norm")
RIGHTER = Margin(0.05, "a twentieth of the slope of rows that are as wide as they should be, 1")
FITS = Floor(0.1, "share of the error of uniform rows that is taken off", "below it little was learned of the graph")
NUMBERS = ("error", "taken_off", "norm", "slope")  # that the claims are about
WIDENS = Floor(0.3, "slope", "below it rows do not follow what the query calls for, where 1 is right")
ERROR = About(
    title="How far the map is from the graph",
    unit="‖P − P*‖₁, at most 2",
    law="mean over nodes of Σ_j |P[i, j] − P*[i, j]|, P*[i] uniform over the neighbours of i",
    source=SOURCE,
    plain="How much of each node's attention is not where its neighbours are; lower is better.",
)
NORM = About(
    title="Norm of the weights",
    unit="‖W‖_F",
    law="W of softmax_j(τ(e_i) e_iᵀ W e_j / √d), after the last step",
    source=SOURCE,
    plain="How large the weights have become that form the scores.",
)
SLOPE = About(
    title="How rows widen with the degree of their node",
    unit="1",
    law="d ln participation / d ln degree, participation 1/Σ_j P[i, j]²",
    source="headscope",
    plain="0 where every row is equally wide, 1 where twice as many neighbours make it twice as wide.",
)


@dataclass(frozen=True)
class GraphSize:
    """Nodes, width of their embeddings and the most neighbours; steps, the rates to choose from, seeds that choose."""

    nodes: int
    d_model: int
    most_neighbours: int
    steps: int
    rates: tuple[float, ...]
    rate_seeds: int


SIZES = {
    "smoke": GraphSize(12, 6, 6, 10, (0.01, 0.03), 1),
    "default": GraphSize(64, 32, 32, 1000, (0.003, 0.01, 0.03), 3),
    "full": GraphSize(256, 64, 128, 5000, (0.001, 0.003, 0.01, 0.03), 10),
}


def trials(size: GraphSize, seeds: int) -> list[Trial]:
    """Both variants on the graph of every seed, from equal weights."""
    return [Trial({"variant": variant}, seed) for seed in range(seeds) for variant in OPTIONS]


def measure(trial: Trial, size: GraphSize, place: Place, watch: Watch) -> Numbers:
    """Train the map of the trial's graph and read it."""
    variant = str(trial.condition["variant"])
    watch(f"training {trial.key}", 0, 1)
    rate = rate_of(variant, size)
    graph, learned = trained_map(variant, size, rate, trial.seed)
    return {**map_numbers(graph, learned), "rate": rate}


@cache
def rate_of(variant: str, size: GraphSize) -> float:
    """The rate of a variant, by the loss on the graphs of other seeds."""

    def loss_of(rate: float, seed: int) -> float:
        graph, learned = trained_map(variant, size, rate, seed)
        return learned.loss(graph).item()

    return chosen_rate(loss_of, size.rates, size.rate_seeds)


def trained_map(variant: str, size: GraphSize, rate: float, seed: int) -> tuple[NodeGraph, GraphMap]:
    """The graph of a seed and the map after the last step. FloatingPointError where it diverges."""
    dice = np.random.default_rng(seed)
    graph = random_graph(size.nodes, size.d_model, size.most_neighbours, dice)
    result = GraphMap(variant, size.d_model, dice)
    train_by_adam(result, lambda step: result.loss(graph), size.steps, rate)
    return graph, result


@torch.no_grad()
def map_numbers(graph: NodeGraph, learned: GraphMap) -> Numbers:
    """Error, the share of that of uniform rows which is taken off, norm and slope."""
    pattern, uniform = learned.pattern(graph.embedding), torch.full_like(graph.target, 1 / len(graph.target))
    error, most = (distance_to_graph(rows, graph) for rows in (pattern, uniform))
    participation = 1 / pattern.square().sum(1)
    return {
        "error": error,
        "taken_off": 1 - error / most,
        "norm": learned.W.norm().item(),
        "slope": log_slope(graph.degree.tolist(), participation.tolist()),
        "loss": learned.loss(graph).item(),
    }


def distance_to_graph(pattern: Float[Tensor, "node neighbour"], graph: NodeGraph) -> float:
    """‖P − P*‖₁, mean over the nodes."""
    return (pattern - graph.target).abs().sum(1).mean().item()


def judge(outcome: Outcome) -> list[Verdict]:
    """Nearer to the graph, at a smaller norm, with rows as wide as they should be."""
    both = [outcome.where(variant=variant) for variant in ("selective", "softmax")]
    error, taken_off, norm, slope = ([arm.sample(name) for arm in both] for name in NUMBERS)
    apart = [np.abs(item - 1) for item in slope]
    return [
        Verdict(
            "In one layer, selective attention comes nearer to the graph: a smaller ‖P − P*‖₁",
            "it does",
            pair_with_spread(*error),
            measurable_answer(smaller_answer(error, NEARER), taken_off, FITS),
            "one layer: nearer to the graph",
        ),
        Verdict(
            "It does so with a smaller ‖W‖_F",
            "it does",
            pair_with_spread(*norm),
            measurable_answer(smaller_answer([np.log(item) for item in norm], SMALLER), taken_off, FITS),
            "one layer: smaller weights",
        ),
        Verdict(
            "Its rows follow the degree of their node better: d ln participation / d ln degree is nearer to 1",
            "they do",
            pair_with_spread(*slope),
            measurable_answer(smaller_answer(apart, RIGHTER), slope, WIDENS),
            "one layer: rows follow the degree",
        ),
    ]


def smaller_answer(pair: list[Sample], margin: Margin) -> Answer:
    """Whether selective is below softmax."""
    selective, softmax = pair
    return superiority_answer(softmax, selective, margin)


def results(outcome: Outcome) -> Mapping[str, Result]:
    """Error, norm and slope by variant."""
    by_arm = arms(outcome, "variant")
    loss = replace(
        ERROR, title="Cross-entropy of the graph", unit="nats", law="mean over nodes of −Σ P* ln P", plain=""
    )
    return {
        "error": arm_numbers(by_arm, "error", ERROR),
        "norm": arm_numbers(by_arm, "norm", NORM),
        "slope": arm_numbers(by_arm, "slope", SLOPE, 1.0, "right"),
        "loss": arm_numbers(by_arm, "loss", loss),
    }


EXPERIMENT = Experiment(
    name="E10",
    title="Does one layer with query temperatures come nearer to a graph, with smaller weights?",
    source=SOURCE,
    sizes=SIZES,
    trials=trials,
    measure=measure,
    judge=judge,
    results=results,
    notes="Attention alone: one layer, one head, no MLP, no positions. Each seed has its own graph: the logarithm of a "
    "node's degree is uniform, its neighbours are random, embeddings are random, fixed, and shorter than there are "
    "nodes. W is one matrix of equal shape and start for both variants; selective learns w of "
    "τ(e) = 1 + tanh(wᵀ GELU(Wᵀe)) besides, d_model numbers. Adam on the cross-entropy of all nodes, equally many "
    "steps at a rate that falls to 0; that of each variant is the one with the least loss on graphs of other seeds, of "
    "those that the size names. The question and its quantities are the paper's; sizes of the graph, rates and steps "
    "are ours.",
    setting=PAPER,
    seeds=100,
)

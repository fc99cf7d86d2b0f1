"""Needs: what a worker asks of the machine, from the size of its model's files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headscope.interp.sweeps.unit import Unit

COPIES = 3  # of the weights: as read, in float32 where the file has half of that, and the matrices of heads
BESIDE = 2 << 30  # bytes: Python, torch and transformers, and what an analysis keeps
SMALL = 2 << 30  # bytes of weights up to which several workers share a GPU
SHARE = 0.25  # of a GPU, for a small model


@dataclass(frozen=True)
class Needs:
    """Of one worker. memory: bytes. gpus: a share of one, or one."""

    memory: int
    gpus: float


def needs_of(size: int, has_gpu: bool) -> Needs:
    """Of a worker whose models have files of at most so many bytes."""
    return Needs(COPIES * size + BESIDE, (SHARE if size <= SMALL else 1.0) if has_gpu else 0.0)


def by_size(units: Iterable[Unit]) -> list[list[Unit]]:
    """The units in groups whose models are of one size but for a factor of four, the largest first.

    The workers of a group declare what its largest model needs.
    """
    groups: dict[int, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.checkpoint.size.bit_length() // 2, []).append(unit)
    return [groups[size] for size in sorted(groups, reverse=True)]


def worker_count(needs: Needs, nodes: Sequence[dict[str, float]], most: int | None) -> int:
    """How many workers fit into the nodes' resources, each as {"CPU": 2.0, "memory": 8e9}.

    Raises ValueError where none fits.
    """
    count = sum(fitting(needs, node) for node in nodes)
    if not count:
        largest = max((node.get("memory", 0.0) for node in nodes), default=0.0)
        raise ValueError(
            f"a worker for the largest of these models needs {needs.memory / 1e9:.1f} GB of memory"
            f"{f' and {needs.gpus:g} of a GPU' if needs.gpus else ''}; the largest node of the cluster offers "
            f"{largest / 1e9:.1f} GB: leave the model out or add a larger node"
        )
    return count if most is None else min(count, most)


def fitting(needs: Needs, node: dict[str, float]) -> int:
    """How many workers a node has room for."""
    limits = [int(node.get("CPU", 0)), int(node.get("memory", 0) // needs.memory)]
    return min([*limits, int(node.get("GPU", 0) / needs.gpus)] if needs.gpus else limits)

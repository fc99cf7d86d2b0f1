"""On Ray: units measured by workers of a cluster, each an actor with a process and a model of its own."""

import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from headscope.interp.sweeps.measuring import Outcome, Outcomes, Worker
from headscope.interp.sweeps.needs import Needs, by_size, needs_of, worker_count
from headscope.interp.sweeps.schedule import Schedule
from headscope.interp.sweeps.unit import Checkpoint, Unit

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}  # Ray would else report its use


@dataclass
class Seat:
    """A worker of the cluster, and which model it holds."""

    actor: Any
    held: Checkpoint | None = None


@contextmanager
def ray_cluster(address: str | None, workers: int | None) -> Generator[Any, None, None]:
    """Ray, connected to the cluster of that address, or with one of this machine's own that ends with the block.

    Raises ValueError where Ray is not installed, and where no cluster answers.
    """
    os.environ.update(QUIET)
    try:
        import ray
    except ImportError as missing:
        raise ValueError(
            "sweeps run on Ray, which is not installed: pip install 'headscope[sweep]', or leave Ray out with --here"
        ) from missing
    options: dict[str, Any] = {"num_cpus": workers} if address is None and workers else {}
    options |= {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": "headscope"}
    try:
        ray.init(address or "local", **options)
    except (ConnectionError, RuntimeError, ValueError) as fault:
        raise ValueError(f"no Ray cluster answers at {address}: {first_line(fault)}") from fault
    try:
        yield ray
    finally:
        ray.shutdown()


def outcomes_on_ray(units: Sequence[Unit], address: str | None = None, workers: int | None = None) -> Outcomes:
    """Every unit with its outcome, as they come, a failure only after it was tried again.

    address: of a cluster; None: one of this machine's own. workers: how many at most; None: as many as fit.
    """
    with ray_cluster(address, workers) as ray:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        for group in by_size(units):
            needs = needs_of(max(unit.checkpoint.size for unit in group), any("GPU" in node for node in nodes))
            yield from outcomes_of_group(ray, group, needs, min(len(group), worker_count(needs, nodes, workers)))


def outcomes_of_group(ray: Any, units: Sequence[Unit], needs: Needs, count: int) -> Outcomes:
    """The outcomes of units that so many workers share."""
    schedule = Schedule(units)
    seats = [Seat(new_actor(ray, needs)) for _ in range(count)]
    running: dict[Any, tuple[Seat, Unit]] = {}
    for seat in seats:
        start_next(seat, schedule, running)
    while running:
        [reference], _ = ray.wait(list(running), num_returns=1)
        seat, unit = running.pop(reference)
        outcome = outcome_of(ray, reference, seat, needs)
        if outcome.numbers is not None or not schedule.takes_back(unit):
            yield unit, outcome
        start_next(seat, schedule, running)
    for seat in seats:
        ray.kill(seat.actor)


def new_actor(ray: Any, needs: Needs) -> Any:
    """A worker process somewhere in the cluster."""
    options = {"num_cpus": 1, "num_gpus": needs.gpus, "memory": needs.memory, "max_restarts": 0}
    return ray.remote(Worker).options(**options).remote()


def start_next(seat: Seat, schedule: Schedule, running: dict[Any, tuple[Seat, Unit]]) -> None:
    """Give a free worker its next unit, where there is one."""
    if (unit := schedule.next_unit(seat.held)) is not None:
        seat.held = unit.checkpoint
        running[seat.actor.outcome.options(name=unit.title).remote(unit)] = seat, unit


def outcome_of(ray: Any, reference: Any, seat: Seat, needs: Needs) -> Outcome:
    """What a worker gave back; where it died, another one takes its seat."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as fault:
        seat.actor, seat.held = new_actor(ray, needs), None
        return Outcome(None, f"its worker died: {first_line(fault)}")


def first_line(fault: Exception) -> str:
    """The first line of what was said."""
    return str(fault).strip().partition("\n")[0].rstrip(".")

"""What the benchmarks share: CPU seconds, ratios of what takes turns, memory at its peak, and what is past a bar."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

Call = Callable[[], object]
PAST = "past"


def cpu_seconds(call: Call) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def ratios(calls: Mapping[str, Call], reference: Call, rounds: int) -> dict[str, float]:
    """Each call's time over the reference's, the median over rounds in which all take turns; the first warms up."""
    seen: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        base = cpu_seconds(reference)
        for name, call in calls.items():
            seen[name].append(cpu_seconds(call) / base)
    return {name: statistics.median(values[1:]) for name, values in seen.items()}


def peak_mib(call: Call) -> float:
    """The most memory that a call holds at one time beside its inputs."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        call()
    events: Any = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = (event.nbytes() for event in events if event.name() == "[memory]")
    return max(accumulate(changes, initial=0)) / 2**20


def resident_mib(call: Call) -> float:
    """The most that the process has resident during a call above what it had before; on Linux."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = psutil.Process().memory_info().rss
    call()
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 2**10 - before / 2**20


def against(value: float, bar: float | None) -> str:
    """A number, with its bar where it is past it."""
    return f"{value:.2f}" if bar is None or value <= bar else f"{value:.2f} {PAST} {bar:g}"


def print_tables(tables: Iterable[Table]) -> bool:
    """Print the tables; whether a cell of them is past its bar."""
    shown = list(tables)
    for table in shown:
        Console().print(table)
    return any(PAST in str(cell) for table in shown for column in table.columns for cell in column._cells)

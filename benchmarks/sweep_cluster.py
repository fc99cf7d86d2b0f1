"""A sweep on a cluster of two nodes of this machine: a worker and a driver are killed; nothing is lost, or done twice.

Prints what was counted, whether the numbers are those of a sweep without Ray to the last bit, what one unit costs, and
how much faster two workers are than one. Exits with 1 where a bar is missed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from ray.cluster_utils import Cluster
from rich.console import Console
from rich.table import Table

from headscope.interp.sweeps.store import Store
from headscope.interp.sweeps.sweep import sweep
from headscope.interp.sweeps.sweep_file import read_sweep
from headscope.interp.sweeps.swept import open_sweep

SWEEP = """
models = [{ name = "cog-longer", steps = "all" }, { name = "softmax-longer", steps = "all" }]
analyses = ["row_statistics", "row_curves", "decision_plane", "negative_mass", "deletion", "detectors", "copying",
    "qk_spectrum", "residual_geometry", "sinks", "angles", "logit_lens"]
[prompts]
code = "for i in range(10):\\n    print(i)"
"""
KILL_WORKER, KILL_DRIVER = 40, 100  # units that are there when it happens
SPEED = 1.7  # two workers beside one


def main() -> int:
    """Run everything; the number of bars that were missed, at most 1."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "sweep.toml"
        file.write_text(SWEEP)
        rows = [*survival(file, Path(home)), *speed(file, Path(home))]
    shown = Table("what", "measured", "bar", "")
    for what, measured, bar, is_met in rows:
        shown.add_row(what, measured, bar, "" if is_met else "missed")
    Console().print(shown)
    return int(not all(is_met for *_, is_met in rows))


def survival(file: Path, home: Path) -> list[tuple[str, str, str, bool]]:
    """A worker is killed, then the driver, then another driver goes on."""
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    out = home / "cluster"
    first = driver(file, out, cluster.address)
    wait_for(out, KILL_WORKER, first)
    victim = next(item for item in psutil.process_iter(["cmdline"]) if is_worker(item))
    victim.send_signal(signal.SIGKILL)
    wait_for(out, KILL_DRIVER, first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in units_in(out)}
    second = driver(file, out, cluster.address)
    _, errors = second.communicate()
    cluster.shutdown()
    result, here = open_sweep(out), sweep(read_sweep(file), out=home / "here", ray=False)
    again = sum(path.stat().st_mtime_ns != kept.get(path.name, path.stat().st_mtime_ns) for path in units_in(out))
    said = f"of which {len(kept)} are there already" in errors.decode()
    return [
        ("units of the sweep", str(len(result.units)), "≥ 200", len(result.units) >= 200),
        ("nodes of the cluster", "2", "2", True),
        ("measured in the end", str(len(result.measured)), "all", len(result.measured) == len(result.units)),
        ("failures", str(len(result.failures)), "0", not result.failures and not second.returncode),
        ("measured twice", str(again), "0", not again and said),
        ("numbers, and equal to the last bit to those without Ray", f"{len(result.to_frame()):,}", "all",
         result.to_frame().equals(here.to_frame())),
    ]  # fmt: skip


def speed(file: Path, home: Path) -> list[tuple[str, str, str, bool]]:
    """One worker, then two, each on a cluster of its own; seconds between the first unit and the last."""
    seconds = []
    for workers in (1, 2):
        out = home / f"workers-{workers}"
        sweep(read_sweep(file), out=out, workers=workers)
        times = sorted(path.stat().st_mtime for path in units_in(out))
        seconds.append((times[-1] - times[0]) / (len(times) - 1))
    ratio = seconds[0] / seconds[1]
    return [
        ("seconds of a unit with one worker", f"{seconds[0]:.3f}", "", True),
        ("two workers beside one", f"{ratio:.2f}", f"≥ {SPEED}", ratio >= SPEED),
    ]


def driver(file: Path, out: Path, address: str) -> subprocess.Popen[bytes]:
    """The command, on the cluster."""
    command = [str(Path(sys.executable).with_name("headscope")), "sweep", str(file), "--out", str(out)]
    return subprocess.Popen([*command, "--address", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many units are there."""
    while len(units_in(out)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def units_in(out: Path) -> list[Path]:
    """The files of the units that were measured."""
    return [*(out / Store(out).file_of("x").parent.name).glob("*.parquet")]


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is one of the sweep's workers."""
    return (process.info["cmdline"] or [""])[0].startswith("ray::Worker")


if __name__ == "__main__":
    sys.exit(main())

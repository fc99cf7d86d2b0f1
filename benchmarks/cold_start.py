"""Cold start: CPU seconds of `headscope inspect cog --what negative_mass` over an import of what it stands on.

Both are processes of their own, with compiled modules, and take turns; the median of the ratios counts. The bar: 1.15.
"""

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from measuring import against, print_tables
from rich.table import Table

MOST, ROUNDS = 1.15, 7
PEER = [sys.executable, "-c", "import torch; from transformers import LlamaForCausalLM, AutoTokenizer"]
OURS = [str(Path(sys.executable).with_name("headscope")), "inspect", "cog", "--what", "negative_mass"]
OURS += ["--prompt", "for i in range("]
QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def process_seconds(command: list[str]) -> float:
    """CPU seconds of a process, the system's included."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env={**kept, **QUIET}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    pairs = [(process_seconds(OURS), process_seconds(PEER)) for _ in range(ROUNDS + 1)][1:]
    ours, peer = (statistics.median(side) for side in zip(*pairs, strict=True))
    table = Table("cold start", "headscope inspect, CPU s", "imports alone, CPU s", "ratio")
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    table.add_row("cog, one analysis", f"{ours:.2f}", f"{peer:.2f}", against(ratio, MOST))
    sys.exit(print_tables([table]))


if __name__ == "__main__":
    main()

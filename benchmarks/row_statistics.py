"""How long the row statistics take strip by strip, as a ratio to torch's softmax attention measured in the same run.

    python benchmarks/row_statistics.py [--length 1024 16384] [--heads 12] [--rounds 3]

For every variant all statistics of every row and their nulls, float32, one thread: the median of the rounds' ratios of
CPU seconds to one forward pass of scaled_dot_product_attention; the most memory at one time; and one whole pattern, for
comparison.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.profiler import ProfilerActivity, profile

from headscope.interp.rows.strips import row_curves_by_strips
from headscope.models.attention import VARIANTS

D_HEAD = 64
Call = Callable[[], Any]


def options(variant: str, length: int) -> dict[str, Any]:
    """What a variant needs besides queries and keys."""
    tau = 1 + 0.5 * torch.arange(1, length + 1).log()[None, None]
    return {"polynomial": {"power": 3, "n_ctx": length}, "selective": {"temperature_q": tau}}.get(variant, {})


def seconds(call: Call) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def ratio(call: Call, reference: Call, rounds: int) -> float:
    """The call's time over the reference's, the median over rounds in which they take turns; the first warms up."""
    seen = [seconds(call) / seconds(reference) for _ in range(rounds + 1)]
    return statistics.median(seen[1:])


def peak_megabytes(call: Call) -> float:
    """The most memory that a call holds at one time besides its inputs."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        call()
    events: Any = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
    held = peak = 0
    for event in events:
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak / 2**20


def measure(length: int, heads: int, rounds: int) -> Table:
    """One table: a row per variant."""
    q, k, v = (torch.randn(1, heads, length, D_HEAD) for _ in range(3))
    pattern = heads * length**2 * 4 / 2**20
    title = f"{length} tokens, {heads} heads; one whole pattern is {pattern:.0f} MB"
    table = Table("variant", "time over one softmax forward", "peak memory, MB", title=title)
    reference = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    for variant in VARIANTS:
        call = of_rows(variant, q, k)
        table.add_row(variant, f"{ratio(call, reference, rounds):.1f}", f"{peak_megabytes(call):.1f}")
    return table


def of_rows(variant: str, q: Tensor, k: Tensor) -> Call:
    """All row statistics of a variant."""
    more = options(variant, q.shape[2])
    return lambda: row_curves_by_strips(variant, q, k, **more)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, nargs="+", default=[1024, 16384])
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for length in asked.length:
        Console().print(measure(length, asked.heads, asked.rounds))


if __name__ == "__main__":
    main()

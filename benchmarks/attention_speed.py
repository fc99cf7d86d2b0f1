"""How long each variant takes, as a ratio to torch's softmax attention measured in the same run.

    python benchmarks/attention_speed.py [--length 512 2048 8192] [--rounds 5]

For every variant the plain path (pattern kept, up to 2,048 tokens) and the fused one (no query × key matrix), forward
alone and forward with backward; the median of the rounds' ratios, CPU seconds of one thread, float32; twelve heads of
64, three from 8,192 tokens on. memory: MiB that a forward of the fused path holds beside its inputs. What is past its
bar is marked, and the exit code is then 1.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import accumulate
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.profiler import ProfilerActivity, profile

from headscope.models.attention import VARIANTS, attend

Call = Callable[[], Tensor]
FORWARD = {512: {"cog": 1.1}, 2048: {"cog": 1.4}, 8192: {"cog": 1.5}}  # bars of the fused path; of the others 1.1
BOTH = {2048: {"cog": 1.2}}
USUAL, MOST_MIB = 1.1, {2048: 12.0}
LONG, FEW_HEADS, LONGEST_PATTERN = 8192, 3, 2048
PLAIN, FUSED, PAST = "plain", "fused", "past"


def options(variant: str, length: int) -> dict[str, Any]:
    """What a variant needs besides queries, keys and values."""
    tau = 1 + 0.5 * torch.arange(1, length + 1).log()[None, None]
    return {
        "polynomial": {"power": 3, "n_ctx": length},
        "selective": {"temperature_q": tau, "temperature_v": tau},
    }.get(variant, {})


def inputs(length: int) -> list[Tensor]:
    """Queries, keys and values of heads of 64, twelve as GPT-2-small has them."""
    heads = FEW_HEADS if length >= LONG else 12
    return [torch.randn(1, heads, length, 64, requires_grad=True) for _ in range(3)]


def seconds(call: Call, backward: bool) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    output = call()
    if backward:
        output.sum().backward()
    return time.process_time() - began


def ratios(calls: dict[str, Call], reference: Call, backward: bool, rounds: int) -> dict[str, float]:
    """Each call's time over the reference's, the median over rounds in which all take turns."""
    seen: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds + 1):
        base = seconds(reference, backward)
        for name, call in calls.items():
            ratio = seconds(call, backward) / base
            if turn:  # the first round warms up
                seen[name].append(ratio)
    return {name: statistics.median(values) for name, values in seen.items()}


def paths(variant: str, q: Tensor, k: Tensor, v: Tensor) -> dict[str, Call]:
    """The fused path of a variant, and the plain one of a length that has room for patterns."""
    more = options(variant, q.shape[2])
    needs = {FUSED: False} if q.shape[2] > LONGEST_PATTERN else {PLAIN: True, FUSED: False}
    return {
        f"{variant} {path}": lambda need=need: attend(variant, q, k, v, need_pattern=need, **more).output
        for path, need in needs.items()
    }


def peak_mib(call: Call) -> float:
    """The most memory that a call holds at one time beside its inputs."""
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        call()
    events: Any = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = [event.nbytes() for event in events if event.name() == "[memory]"]
    return max(accumulate(changes, initial=0)) / 2**20


def against(value: float, bar: float | None) -> str:
    """A number, with its bar where it is past it."""
    return f"{value:.2f}" if bar is None or value <= bar else f"{value:.2f} {PAST} {bar:g}"


def measure(length: int, rounds: int) -> Table:
    """One table: rows are variants and paths, columns the ratios to scaled_dot_product_attention."""
    q, k, v = inputs(length)
    calls = {name: call for variant in VARIANTS for name, call in paths(variant, q, k, v).items()}
    reference = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    columns = ("path", "forward", "forward + backward", "memory, MiB")
    table = Table(*columns, title=f"{length} tokens, {q.shape[1]} heads, ratio to softmax by torch")
    forward, both = (ratios(calls, reference, backward, rounds) for backward in (False, True))
    for name, call in calls.items():
        variant, path = name.split()
        bars = [of.get(length, {}).get(variant, USUAL) if path == FUSED else None for of in (FORWARD, BOTH)]
        most = MOST_MIB.get(length) if path == FUSED else None
        bars[1] = bars[1] if length in BOTH else None
        cells = zip((forward[name], both[name], peak_mib(call)), (*bars, most), strict=True)
        table.add_row(name, *(against(*cell) for cell in cells))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tables = [measure(length, asked.rounds) for length in asked.length]
    for table in tables:
        Console().print(table)
    sys.exit(any(PAST in str(cell) for table in tables for column in table.columns for cell in column._cells))


if __name__ == "__main__":
    main()

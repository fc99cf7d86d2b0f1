"""How long each variant takes, as a ratio to torch's softmax attention measured in the same run.

    python benchmarks/attention_speed.py [--length 256 2048] [--rounds 5]

For every variant the plain path (pattern kept) and the fused one (no query × key matrix), forward alone and
forward with backward; the median of the rounds' ratios, CPU seconds of one thread, float32.
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

from headscope.models.attention import VARIANTS, attend

Call = Callable[[], Tensor]


def options(variant: str, length: int) -> dict[str, Any]:
    """What a variant needs besides queries, keys and values."""
    tau = 1 + 0.5 * torch.arange(1, length + 1).log()[None, None]
    return {
        "polynomial": {"power": 3, "n_ctx": length},
        "selective": {"temperature_q": tau, "temperature_v": tau},
    }.get(variant, {})


def inputs(length: int) -> list[Tensor]:
    """Queries, keys and values of twelve heads of 64, as GPT-2-small has them."""
    return [torch.randn(1, 12, length, 64, requires_grad=True) for _ in range(3)]


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
    """The plain and the fused path of a variant."""
    more = options(variant, q.shape[2])
    return {
        f"{variant} {path}": lambda need=need: attend(variant, q, k, v, need_pattern=need, **more).output
        for path, need in (("plain", True), ("fused", False))
    }


def measure(length: int, rounds: int) -> Table:
    """One table: rows are variants and paths, columns the ratios to scaled_dot_product_attention."""
    q, k, v = inputs(length)
    calls = {name: call for variant in VARIANTS for name, call in paths(variant, q, k, v).items()}
    reference = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    table = Table("path", "forward", "forward + backward", title=f"{length} tokens, ratio to softmax by torch")
    forward, both = (ratios(calls, reference, backward, rounds) for backward in (False, True))
    for name in calls:
        table.add_row(name, f"{forward[name]:.2f}", f"{both[name]:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for length in asked.length:
        Console().print(measure(length, asked.rounds))


if __name__ == "__main__":
    main()

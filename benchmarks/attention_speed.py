"""How long each variant takes, as a ratio to torch's softmax attention measured in the same run.

    python benchmarks/attention_speed.py [--length 512 2048 8192] [--rounds 5]

For every variant the plain path (pattern kept, up to 2,048 tokens) and the fused one (no query × key matrix), forward
alone and forward with backward; the median of the rounds' ratios, CPU seconds of one thread, float32; twelve heads of
64, three from 8,192 tokens on. memory: MiB that a forward of the fused path holds beside its inputs. What is past its
bar is marked, and the exit code is then 1.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from measuring import against, peak_mib, print_tables, ratios
from rich.table import Table
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from headscope.models.attention import VARIANTS, attend

Call = Callable[[], Tensor]
FORWARD = {512: {"cog": 1.1}, 2048: {"cog": 1.4}, 8192: {"cog": 1.5}}  # bars of the fused path; of the others 1.1
BOTH = {2048: {"cog": 1.2}}
USUAL, MOST_MIB = 1.1, {2048: 12.0}
LONG, FEW_HEADS, LONGEST_PATTERN = 8192, 3, 2048
PLAIN, FUSED = "plain", "fused"


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


def paths(variant: str, q: Tensor, k: Tensor, v: Tensor) -> dict[str, Call]:
    """The fused path of a variant, and the plain one of a length that has room for patterns."""
    more = options(variant, q.shape[2])
    needs = {FUSED: False} if q.shape[2] > LONGEST_PATTERN else {PLAIN: True, FUSED: False}
    return {
        f"{variant} {path}": lambda need=need: attend(variant, q, k, v, need_pattern=need, **more).output
        for path, need in needs.items()
    }


def with_backward(call: Call) -> Call:
    """The call, and the gradients of its sum."""
    return lambda: call().sum().backward()


@torch.no_grad()
def forward_mib(call: Call) -> float:
    """The memory of a call that keeps nothing for gradients."""
    return peak_mib(call)


def measure(length: int, rounds: int) -> Table:
    """One table: rows are variants and paths, columns the ratios to scaled_dot_product_attention."""
    q, k, v = inputs(length)
    calls = {name: call for variant in VARIANTS for name, call in paths(variant, q, k, v).items()}
    reference = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    columns = ("path", "forward", "forward + backward", "memory, MiB")
    table = Table(*columns, title=f"{length} tokens, {q.shape[1]} heads, ratio to softmax by torch")
    forward = ratios(calls, reference, rounds)
    both = ratios({name: with_backward(call) for name, call in calls.items()}, with_backward(reference), rounds)
    for name, call in calls.items():
        variant, path = name.split()
        bars = [of.get(length, {}).get(variant, USUAL) if path == FUSED else None for of in (FORWARD, BOTH)]
        most = MOST_MIB.get(length) if path == FUSED else None
        bars[1] = bars[1] if length in BOTH else None
        cells = zip((forward[name], both[name], forward_mib(call)), (*bars, most), strict=True)
        table.add_row(name, *(against(*cell) for cell in cells))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sys.exit(print_tables(measure(length, asked.rounds) for length in asked.length))


if __name__ == "__main__":
    main()

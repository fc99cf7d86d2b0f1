"""How long the row statistics take strip by strip, as a ratio to torch's softmax attention measured in the same run.

    python benchmarks/row_statistics.py [--length 1024 16384] [--heads 12] [--rounds 3]

For every variant all statistics of every row and their nulls, float32, one thread: the median of the rounds' ratios of
CPU seconds to one forward pass of scaled_dot_product_attention; the most memory at one time; and one whole pattern, for
comparison. What is past its bar is marked, and the exit code is then 1.
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

from headscope.interp.rows.strips import row_curves_by_strips
from headscope.models.attention import VARIANTS

D_HEAD, BAR = 64, 3.5
Call = Callable[[], Any]


def options(variant: str, length: int) -> dict[str, Any]:
    """What a variant needs besides queries and keys."""
    tau = 1 + 0.5 * torch.arange(1, length + 1).log()[None, None]
    return {"polynomial": {"power": 3, "n_ctx": length}, "selective": {"temperature_q": tau}}.get(variant, {})


def measure(length: int, heads: int, rounds: int) -> Table:
    """One table: a row per variant."""
    q, k, v = (torch.randn(1, heads, length, D_HEAD) for _ in range(3))
    pattern = heads * length**2 * 4 / 2**20
    title = f"{length} tokens, {heads} heads; one whole pattern is {pattern:.0f} MB"
    table = Table("variant", "time over one softmax forward", "peak memory, MiB", title=title)
    reference = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    for variant in VARIANTS:
        call = of_rows(variant, q, k)
        table.add_row(
            variant, against(ratios({variant: call}, reference, rounds)[variant], BAR), f"{peak_mib(call):.1f}"
        )
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
    sys.exit(print_tables(measure(length, asked.heads, asked.rounds) for length in asked.length))


if __name__ == "__main__":
    main()

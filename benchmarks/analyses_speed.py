"""What analyses take beside what they look at, held against bars.

    python benchmarks/analyses_speed.py [--length 1024]

One thread, float32, CPU seconds, the median of rounds in which both take turns. Nulls: of one layer of 12 heads, over
one forward pass of scaled_dot_product_attention. Ends with 1 where a bar is not met.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}

import torch
from measuring import Call, against, print_tables, ratios
from rich.table import Table
from torch.nn.functional import scaled_dot_product_attention

from headscope.interp.deletion.decision_plane import dynamic_null, static_null
from headscope.interp.deletion.quadrants import share_nulls
from headscope.interp.results.sign_nulls import magnitude_of_sum, negative_sum, row_sums

HEADS, D_HEAD, ROUNDS = 12, 64, 5
NULLS, MASS = 2.0, "negative mass"
Row = tuple[str, str, float, float]


def null_rows(length: int) -> Iterator[Row]:
    """The nulls of signs dealt anew, of one layer's patterns."""
    q, k, v = (torch.randn(1, HEADS, length, D_HEAD) for _ in range(3))
    pattern = torch.randn(HEADS, length, length).tril()
    ov, scale = torch.randn(HEADS, length), torch.rand(length, 1) + 1

    def of_mass() -> object:
        sums = row_sums(pattern, with_large=True)
        return negative_sum(sums), magnitude_of_sum(sums)

    nulls: dict[str, Callable[[], object]] = {
        "nulls of negative mass": of_mass,
        "nulls of the quadrants": lambda: share_nulls(pattern[None], ov[None], scale[None]),
        "nulls of the decision plane": lambda: (dynamic_null(pattern, ov, scale), static_null(pattern, ov, scale)),
    }
    attention: Call = lambda: scaled_dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    measured = ratios({**nulls, MASS: lambda: row_sums(pattern)}, attention, ROUNDS)
    measured["nulls of negative mass"] -= measured.pop(MASS)  # sums that the numbers themselves need
    for name, ratio in measured.items():
        yield name, "÷ attention", ratio, NULLS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, default=1024)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = Table("what", "unit", "measured", "bar", title=f"analyses, {asked.length} tokens")
    for name, unit, value, bar in null_rows(asked.length):
        table.add_row(name, unit, against(value, bar), f"{bar:g}")
    sys.exit(print_tables([table]))


if __name__ == "__main__":
    main()

"""How long attention of every element takes on a GPU, beside the same kernel with softmax and torch's own.

    python benchmarks/gpu_attention.py [--rehearse]

bfloat16, batches of 4, 16 heads of 64 and of 128, 2,048 to 32,768 tokens, causal: milliseconds of torch's
scaled_dot_product_attention, forward and forward with backward, and the ratios to it of FlexAttention, of the kernel
with softmax, and of each variant; medians of rounds in which all take turns. Ends with 1 where a ratio at 8,192 tokens
is past its bar, or where there is no GPU. Less than ten minutes: what would begin after eight is left out, and said.
--rehearse: the same plan over a few tokens in Triton's interpreter, on any machine; its times mean nothing.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

os.environ |= {"TRITON_INTERPRET": "1"} if "--rehearse" in sys.argv else {}  # Triton reads it when it is imported

import torch
from measuring import PAST, against
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from headscope.models.attention import VARIANTS
from headscope.models.attention.fused.block_shapes import has_triton
from headscope.models.attention.fused.element import Element
from headscope.models.attention.fused.score_rule import ScoreRule

Call = Callable[[], Tensor]
REHEARSAL = "--rehearse"
BAR_AT, TWIN, LIBRARY, FLEX, SIGNED = 8192, "softmax", "torch", "FlexAttention", "cog"
OVER_LIBRARY = {"forward": 1.3, "forward + backward": 1.5}
OVER_TWIN = 1 / 0.95
MOST_SECONDS = 480.0


@dataclass(frozen=True)
class Plan:
    """What is measured where: the device, batches, heads, their widths, lengths, and rounds of each."""

    device: str
    batch: int
    heads: int
    widths: tuple[int, ...]
    lengths: tuple[int, ...]
    rounds: int


FULL = Plan("cuda", 4, 16, (64, 128), (2048, 4096, 8192, 16384, 32768), 7)
REHEARSED = Plan("cpu", 1, 1, (16,), (16, 40), 1)


@cache
def compiled_flex() -> Any:
    """FlexAttention as it is meant to be used."""
    return torch.compile(flex_attention, dynamic=False)


def elements() -> dict[str, Element]:
    """The variants that one pass computes by themselves."""
    own = {name: row.element({"power": 3}) for name, row in VARIANTS.items() if not row.learns_temperatures}
    return {name: element for name, element in own.items() if element is not None}


def calls(plan: Plan, width: int, length: int) -> tuple[dict[str, Call], list[Tensor]]:
    """What takes turns, and the tensors that it reads."""
    from headscope.models.attention.fused.triton_attention import triton_attention

    shape = (plan.batch, plan.heads, length, width)
    q, k, v = (torch.randn(shape, device=plan.device, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    past = create_block_mask(lambda b, h, row, key: row >= key, None, None, length, length, device=plan.device)
    flex = compiled_flex() if plan.device == "cuda" else None  # which has no backward on a processor
    rule = ScoreRule(None, True, width**-0.5)
    return {
        LIBRARY: partial(scaled_dot_product_attention, q, k, v, is_causal=True),
        **({} if flex is None else {FLEX: partial(flex, q, k, v, block_mask=past)}),
        **{name: partial(triton_attention, q, k, v, element, rule) for name, element in elements().items()},
    }, [q, k, v]


def with_backward(call: Call, leaves: list[Tensor]) -> Call:
    """The call, and its gradients in the direction of its output."""

    def both() -> Tensor:
        output = call()
        torch.autograd.grad(output, leaves, output.detach())
        return output

    return both


def milliseconds(call: Call, device: str) -> float:
    """Those of one call on the device's own clock."""
    if device != "cuda":
        began = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - began)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def medians(called: Mapping[str, Call], plan: Plan) -> dict[str, float]:
    """Milliseconds of each call, the median over rounds in which all take turns; the first two warm up."""
    seen: dict[str, list[float]] = {name: [] for name in called}
    for _ in range(2 + plan.rounds):
        for name, call in called.items():
            seen[name].append(milliseconds(call, plan.device))
    return {name: statistics.median(times[2:]) for name, times in seen.items()}


def row_of(times: Mapping[str, float], what: str, length: int) -> list[str]:
    """Milliseconds of torch's own, and ratios to it; of the signed kernel to its softmax twin besides."""
    ratios = {name: value / times[LIBRARY] for name, value in times.items() if name != LIBRARY}
    library_bars = {SIGNED: OVER_LIBRARY[what]} if length == BAR_AT else {}
    cells = [against(value, library_bars.get(name)) for name, value in ratios.items()]
    twin = against(times[SIGNED] / times[TWIN], OVER_TWIN if library_bars else None)
    return [what, f"{times[LIBRARY]:.2f}", *cells, twin]


def measured(plan: Plan, width: int, length: int) -> list[list[str]]:
    """The rows of one shape."""
    forward, leaves = calls(plan, width, length)
    with torch.no_grad():
        alone = medians(forward, plan)
    both = medians({name: with_backward(call, leaves) for name, call in forward.items()}, plan)
    return [row_of(alone, "forward", length), row_of(both, "forward + backward", length)]


def table_of(plan: Plan) -> Table:
    """One table of all shapes, short ones first, as far as the time allows."""
    flex = [FLEX] if plan.device == "cuda" else []
    names = [*flex, *elements()]
    table = Table("heads of", "tokens", "what", "torch, ms", *names, f"{SIGNED} ÷ {TWIN}")
    began = time.monotonic()
    for length in plan.lengths:
        for width in plan.widths:
            if time.monotonic() - began > MOST_SECONDS:
                table.add_row(str(width), f"{length:,}", "left out: no time was left")
                continue
            for row in measured(plan, width, length):
                table.add_row(str(width), f"{length:,}", *row)
    return table


def bars() -> str:
    """What is held, in words."""
    library = ", ".join(f"{what} {bar} × torch's" for what, bar in OVER_LIBRARY.items())
    return f"bars at {BAR_AT:,} tokens: {SIGNED} {OVER_TWIN:.3f} × its {TWIN} twin; {library}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(REHEARSAL, action="store_true", help="a few tokens in Triton's interpreter, on any machine")
    plan = REHEARSED if parser.parse_args().rehearse else FULL
    if not has_triton():
        sys.exit("Triton is not installed: pip install 'headscope[gpu]' on Linux")
    if plan.device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"torch sees no GPU here, and this measures one; {REHEARSAL} tries the plan on a processor")
    torch.manual_seed(0)
    table = table_of(plan)
    Console(width=160).print(table)
    Console(width=160).print(bars())
    sys.exit(any(PAST in str(cell) for column in table.columns for cell in column._cells))


if __name__ == "__main__":
    main()

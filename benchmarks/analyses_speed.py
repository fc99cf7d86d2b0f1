"""What analyses take beside what they look at, held against bars.

    python benchmarks/analyses_speed.py [--length 1024]

One thread, float32, CPU seconds, the median of rounds in which both take turns. Nulls: of one layer of 12 heads, over
one forward pass of scaled_dot_product_attention. D(n): of the prompt's first n tokens for doubling n with the null,
over plain transformers' pass over all of them; row statistics of every head over the same, with twice as many tokens:
models of GPT-2 small's shape with cog attention. Memory: the most beside the model; of `analyse` with all that it
computes by default of several prompts, the most resident above the opened model, in a process of its own. Ends with 1
where a bar is not met.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}

import torch
from measuring import Call, against, peak_mib, print_tables, ratios, resident_mib
from rich.table import Table
from torch.nn.functional import scaled_dot_product_attention
from transformers import GPT2Config, GPT2LMHeadModel

from headscope import AttentionSpec, analyse, attach
from headscope.interp.collapse.curves import collapse
from headscope.interp.collapse.pairs import doubling, prefix_pairs
from headscope.interp.deletion.decision_plane import dynamic_null, static_null
from headscope.interp.deletion.quadrants import share_nulls
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.sign_nulls import magnitude_of_sum, negative_sum, row_sums
from headscope.interp.rows.of_model import model_row_curves
from headscope.models.hooked import hooked

HEADS, D_HEAD, ROUNDS = 12, 64, 5
NULLS, MASS = 2.0, "negative mass"
PASSES, REPORT, MEMORY = 2.5, 1.6, 600.0
PROMPTS, MEMORY_OF_ANALYSE = 2, 1024.0  # long prompts are run, and let go, one after the other
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


def model_rows(length: int) -> Iterator[Row]:
    """What runs a whole model."""
    torch.manual_seed(0)
    plain = GPT2LMHeadModel(GPT2Config(n_positions=2 * length)).eval()
    model, prompt = cog_model(2 * length), random_prompt(2 * length)
    ids = torch.tensor(prompt.ids)
    pairs = prefix_pairs(ids[: length - 1].tolist(), doubling(4, length - 1))
    calls: dict[str, tuple[Call, int, float]] = {
        "D(n) with its null": (lambda: collapse(model, pairs), length, PASSES),
        "row statistics of the model": (lambda: model_row_curves(model, prompt), 2 * length, REPORT),
    }
    with torch.no_grad():
        for name, (call, tokens, bar) in calls.items():
            one_pass: Call = lambda tokens=tokens: plain(ids[None, :tokens])  # type: ignore[misc]  # noqa: E731
            yield name, "÷ a plain pass", ratios({name: call}, one_pass, 1)[name], bar
            yield f"memory of {name}", "MiB", peak_mib(call), MEMORY


def memory_rows(length: int) -> Iterator[Row]:
    """What `analyse` holds of several prompts."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        mib = fresh.submit(analysed_mib, length, PROMPTS).result()
    yield f"memory of analyse, {PROMPTS} prompts", "MiB", mib, MEMORY_OF_ANALYSE


def analysed_mib(length: int, prompts: int) -> float:
    """The most that all analyses by default of so many prompts have resident above the opened model."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, tokens = cog_model(length), [random_prompt(length) for _ in range(prompts)]
    return resident_mib(lambda: analyse(model, tokens))


def cog_model(context: int) -> Any:
    """A hooked model of GPT-2 small's shape with cog attention."""
    model = GPT2LMHeadModel(GPT2Config(n_positions=context)).eval()
    attach(model, AttentionSpec("cog"))
    return hooked(model)


def random_prompt(length: int) -> PromptTokens:
    """So many tokens at random."""
    ids = torch.randint(3, 50_000, (length,)).tolist()
    return PromptTokens(tuple(ids), tuple(map(str, ids)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, default=1024)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = Table("what", "unit", "measured", "bar", title=f"analyses, {asked.length} tokens")
    for name, unit, value, bar in (*null_rows(asked.length), *model_rows(asked.length), *memory_rows(asked.length)):
        table.add_row(name, unit, against(value, bar), f"{bar:g}")
    sys.exit(print_tables([table]))


if __name__ == "__main__":
    main()

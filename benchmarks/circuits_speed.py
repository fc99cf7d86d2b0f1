"""What circuits, head weights, over-squashing and a default `headscope inspect` take in CPU seconds, held against bars.

    python benchmarks/circuits_speed.py [--real runs/smollm2]

One thread. Circuits: 144 heads of 64 dimensions, d_model 768, a vocabulary of 50 257, numbers drawn at random. Inspect:
a model folder of that shape and 64 tokens, the command as a process of its own, imports among its seconds; and --real,
the folder of `make real-model`, left out where it is not there. head weights: a second call over the first, which reads
them. squashing: the default over one forward pass of the same prompt. Ends with 1 where a bar is not met.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from loading import small_gpt2
from measuring import cpu_seconds
from rich.console import Console
from rich.table import Table

from headscope.interp.circuits import composition_scores, copying_score, diagonal_ranks, qk_spectrum
from headscope.interp.collapse.squashing import squashing
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hooked.loading import load

LAYERS, HEADS, D_HEAD, D_MODEL, VOCABULARY = 12, 12, 64, 768, 50_257
TOKENS = 64
CIRCUITS: dict[Callable[[HeadWeights], object], float] = {
    copying_score: 1.3,
    qk_spectrum: 0.5,
    composition_scores: 3.0,
    diagonal_ranks: 5.0,
}
LETTERS = {"GPT-2 small": 32, "SmolLM2 135M": 64}  # 63 and 64 tokens
INSPECT_BARS = {"GPT-2 small": 25.0, "SmolLM2 135M": 40.0}
SECOND_READING, PASSES = 0.2, 20.0
Row = tuple[str, str, float, float]


def random_weights() -> HeadWeights:
    """The matrices of 144 heads."""

    def drawn(*shape: int) -> torch.Tensor:
        return 0.02 * torch.randn(*shape)

    reads = [drawn(LAYERS, HEADS, D_MODEL, D_HEAD) for _ in range(3)]
    biases = [drawn(LAYERS, HEADS, D_HEAD) for _ in range(3)]
    written, W_U = drawn(LAYERS, HEADS, D_HEAD, D_MODEL), drawn(D_MODEL, VOCABULARY)
    return HeadWeights(*reads, written, *biases, W_E=drawn(VOCABULARY, D_MODEL), W_U=W_U, b_U=drawn(VOCABULARY))


def circuit_rows() -> Iterator[Row]:
    """Every analysis of weights, on the same ones; the first takes their centred unembedding with it."""
    weights = random_weights()
    for analysis, most in CIRCUITS.items():
        yield analysis.__name__.replace("_", " "), "CPU s", cpu_seconds(lambda of=analysis: of(weights)), most


def model_rows(folder: Path) -> Iterator[Row]:
    """What is read of a model once, and what runs it."""
    model, ids = load(str(folder)), torch.arange(1, TOKENS + 1)
    first, second = (cpu_seconds(lambda: head_weights(model)) for _ in range(2))
    yield "head weights again", "÷ first", second / first, SECOND_READING
    with torch.no_grad():
        forward = min(cpu_seconds(lambda: model(ids[None])) for _ in range(3))
    estimate = cpu_seconds(lambda: squashing(model, ids.tolist()))
    yield "squashing", "÷ forward", estimate / forward, PASSES


def inspect_row(title: str, folder: Path) -> Row:
    """The command as it is by default, in a process of its own, on letters that every tokenizer has."""
    program = "import sys; from headscope.app.terminal.command import main; sys.exit(main())"
    prompt = " ".join("abcdefgh" * (LETTERS[title] // 8))
    command = [sys.executable, "-c", program, "inspect", str(folder), "--prompt", prompt]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"inspect {title}", "CPU s", seconds, INSPECT_BARS[title]


def measured_rows(real: Path) -> Iterator[Row]:
    """All that have a bar."""
    yield from circuit_rows()
    with tempfile.TemporaryDirectory() as scratch:
        folder = small_gpt2(Path(scratch))
        yield from model_rows(folder)
        yield inspect_row("GPT-2 small", folder)
    if (real / "config.json").exists():
        yield inspect_row("SmolLM2 135M", real)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--real", type=Path, default=Path("runs/smollm2"))
    real = parser.parse_args().real
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table, missed = Table("what", "unit", "ours", "bar", "ours ÷ bar"), list[str]()
    for name, unit, value, most in measured_rows(real):
        table.add_row(name, unit, f"{value:.2f}", f"{most:g}", f"{value / most:.2f}")
        missed += [f"{name} is {value:.2f}; at most {most:g}"] * (value > most)
    Console(width=120).print(table)
    sys.exit("\n".join(missed) or 0)


if __name__ == "__main__":
    main()

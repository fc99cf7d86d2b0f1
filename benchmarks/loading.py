"""What it costs to open a model until it answers: CPU seconds and memory, held against transformers' own.

    python benchmarks/loading.py [--rounds 3] [--real runs/smollm2]

A folder in the shape of GPT-2 small is made first, with numbers drawn at random and a vocabulary of its size. Each
measurement is a process of its own, its imports done before the clock starts; rounds take turns, and medians count.
The peer is `from_pretrained` of model and tokenizer with transformer-lens's bridge around them. It only maps the file
and reads it when it first runs, where headscope reads and checks all of it; so the bars hold for what is opened and has
answered four tokens, and the seconds of opening alone stand beside. MiB: the most resident beyond what the imports
left. held: bytes of all tensors that the opened model reaches, over those of its file. --real: the folder of
`make real-model`; left out where it is not there. Ends with 1 where a bar is not met.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}
os.environ["HF_HUB_OFFLINE"] = "1"

import psutil
import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

import headscope.models.hooked.build  # noqa: F401  what load imports late belongs to the imports
from headscope.models.hooked.loading import load

MOST_CPU, MOST_MEMORY = 1.3, 1.2  # over the peer
MOST_HELD, MOST_SECONDS = 1.01, 2.0
OURS, PEER = "headscope", "transformers and bridge"
END = "<|endoftext|>"
Numbers = dict[str, float]


def by_peer(folder: str) -> Any:
    """transformers' own way, and transformer-lens's bridge."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    return TransformerBridge.boot_transformers(folder, hf_model=model, tokenizer=tokenizer)


OPENERS: dict[str, Callable[[str], Any]] = {OURS: load, PEER: by_peer}


def numbers_of(opener: str, folder: str) -> Numbers:
    """One opening and one answer, in this process."""
    torch.set_num_threads(1)
    before, began = psutil.Process().memory_info().rss, time.process_time()
    model = OPENERS[opener](folder)
    opened = time.process_time() - began
    with torch.no_grad():
        model(torch.arange(1, 5)[None])
    answered = time.process_time() - began
    return {"opened": opened, "answered": answered, "mib": (peak_bytes() - before) / 2**20, "held": held(model, folder)}


def peak_bytes() -> int:
    """The most that this process ever had resident."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 2**10


def held(model: Any, folder: str) -> float:
    """Bytes of the storages that a model reaches, each once, over those of its file."""
    parts = list(model.original_model.modules())
    reached = [item for part in parts for item in vars(part).values() if isinstance(item, torch.Tensor)]
    tensors = [*model.parameters(), *model.buffers(), *reached]
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values()) / Path(folder, "model.safetensors").stat().st_size


def small_gpt2(folder: Path) -> Path:
    """A model folder in the shape of GPT-2 small, with a tokenizer of as many tokens: bytes, and pairs of them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = list(product(alphabet, alphabet))[:50_000]
    core = Tokenizer(models.BPE({word: i for i, word in enumerate([*alphabet, *map("".join, merges), END])}, merges))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, bos_token=END).save_pretrained(folder)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    return folder


def rounds_of(folder: Path, rounds: int) -> dict[str, Numbers]:
    """The medians of each opener."""
    seen: dict[str, list[Numbers]] = {name: [] for name in OPENERS}
    for _ in range(rounds):
        for name in OPENERS:
            command = [sys.executable, __file__, "--one", name, "--real", str(folder)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seen[name].append(json.loads(output.splitlines()[-1]))
    return {name: {key: statistics.median(one[key] for one in all_) for key in all_[0]} for name, all_ in seen.items()}


def row(title: str, seen: dict[str, Numbers]) -> tuple[list[str], list[str]]:
    """A row of the table, and the bars that it does not meet."""
    ours, peer = seen[OURS], seen[PEER]
    cpu, memory = ours["answered"] / peer["answered"], ours["mib"] / peer["mib"]
    pairs = [f"{ours[key]:.2f} / {peer[key]:.2f}" for key in ("opened", "answered")]
    cells = [
        title,
        *pairs,
        f"{cpu:.2f}",
        f"{ours['mib']:.0f} / {peer['mib']:.0f}",
        f"{memory:.2f}",
        f"{ours['held']:.3f}",
    ]
    bars = {"CPU over the peer": (cpu, MOST_CPU), "memory over the peer": (memory, MOST_MEMORY)}
    bars |= {"CPU seconds of opening": (ours["opened"], MOST_SECONDS), "weights held": (ours["held"], MOST_HELD)}
    return cells, [f"{title}: {name} is {got:.2f}; at most {most}" for name, (got, most) in bars.items() if got > most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--real", type=Path, default=Path("runs/smollm2"))
    parser.add_argument("--one", choices=OPENERS, help="measure one opening of --real in this process")
    asked = parser.parse_args()
    if asked.one:
        sys.stdout.write(json.dumps(numbers_of(asked.one, str(asked.real))) + "\n")
        return
    columns = ("opened, CPU s", "and answered", "÷ peer", "MiB", "÷ peer", "held")
    table, missed = Table("headscope / peer", *columns), list[str]()
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"GPT-2 small": small_gpt2(Path(scratch)), "SmolLM2 135M": asked.real}
        for title, folder in folders.items():
            if (folder / "config.json").exists():
                cells, below = row(title, rounds_of(folder, asked.rounds))
                table.add_row(*cells)
                missed += below
    Console(width=120).print(table)
    sys.exit("\n".join(missed) or 0)


if __name__ == "__main__":
    main()

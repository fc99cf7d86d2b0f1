"""What hooks cost where nobody looks at a pattern: a hooked forward pass over that of plain transformers.

    python benchmarks/hooked_speed.py [--length 1024] [--rounds 5]

Four layers of GPT-2's width in every listed family of decoders, softmax attention, random weights: the median of the
rounds' ratios of CPU seconds, one thread, float32, inside `patternless`. Ends with 1 where a ratio is past its bar.
"""

import argparse
import os
import sys

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}

import torch
from measuring import against, ratios
from rich.console import Console
from rich.table import Table
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from headscope import AttentionSpec, attach
from headscope.models.hooked import hooked
from headscope.models.hooked.patternless import patternless

BAR = 1.05
SHAPE = {
    "hidden_size": 768,
    "num_attention_heads": 12,
    "num_hidden_layers": 4,
    "intermediate_size": 3072,
    "num_key_value_heads": 12,
    "head_dim": 64,
    "vocab_size": 1000,
    "max_position_embeddings": 8192,
}
FAMILIES = ("gpt2", "gpt_neox", "llama", "qwen3", "mistral", "olmo2", "gemma3_text", "gemma2")


def model_of(family: str) -> PreTrainedModel:
    """A model of a family with random weights, as transformers computes it."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SHAPE)
    return AutoModelForCausalLM.from_config(config).eval()


def ratio(family: str, length: int, rounds: int) -> float:
    """The hooked pass over the plain one, the median over rounds in which they take turns; the first warms up."""
    plain, ids = model_of(family), torch.randint(3, 1000, (1, length))
    carrying = model_of(family)
    attach(carrying, AttentionSpec("softmax"))
    bridge = hooked(carrying)
    with torch.no_grad(), patternless():
        return ratios({family: lambda: bridge(ids)}, lambda: plain(ids), rounds)[family]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table = Table("family", "hooked over plain", title=f"{asked.length} tokens, four layers of 12 heads of 64")
    ratios = {family: ratio(family, asked.length, asked.rounds) for family in FAMILIES}
    for family, value in ratios.items():
        table.add_row(family, against(value, BAR))
    Console().print(table)
    sys.exit(any(value > BAR for value in ratios.values()))


if __name__ == "__main__":
    main()

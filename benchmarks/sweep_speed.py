"""What editing every head by itself takes in forward passes: interventions, copy suppression, path patching.

    python benchmarks/sweep_speed.py [--real runs/smollm2]

One thread, the shape of GPT-2 small, random weights, 64 tokens; as softmax and with cog in every layer; and --real, the
folder of `make real-model`, 32 tokens, left out where it is not there. Of one pass over the same prompt: seconds, CPU
seconds over those of the pass, its median before and after; and counted, tokens through layers and through the head,
each in proportion to its multiply-adds. Ends with 1 where a bar is not met.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}

import torch
from measuring import against, cpu_seconds, print_tables
from rich.table import Table
from transformers import AutoConfig, AutoModelForCausalLM

from headscope import AttentionSpec, attach
from headscope.interp.interventions.path_patching import path_patching
from headscope.interp.interventions.suppression_effect import suppression_effect
from headscope.interp.interventions.sweep import sweep
from headscope.interp.reading.prompt_pair import PromptPair
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked
from headscope.models.hooked.bridge import HookedBridge
from headscope.models.hooked.loading import load

TOKENS, REAL_TOKENS, ROUNDS = 64, 32, 5
BARS = {
    "interventions, softmax": 80.0,
    "interventions, cog": 250.0,
    "suppression, softmax": 300.0,
    "suppression, cog": 300.0,
    "path patching, softmax": 12.0,
    "path patching, cog": 12.0,
}


def prompt_of(ids: torch.Tensor) -> PromptTokens:
    """Ids as a prompt."""
    return PromptTokens(tuple(ids.tolist()), tuple(map(str, ids.tolist())))


def analyses(model: HookedBridge, tokens: int) -> dict[str, Callable[[], object]]:
    """What edits every head, each on its own prompt of so many tokens."""
    clean, corrupt = torch.randint(3, model.cfg.d_vocab, (2, tokens))
    corrupt[-1] = clean[-1]
    pair = PromptPair(prompt_of(clean), prompt_of(corrupt), 5, 7)
    return {
        "interventions": lambda: sweep(model, pair.clean),
        "suppression": lambda: suppression_effect(model, [pair.clean]),
        "path patching": lambda: path_patching(model, [pair]),
    }


class Counter:
    """Tokens that went through layers and through the head, as shares of a pass over so many tokens."""

    def __init__(self, model: HookedBridge, tokens: int) -> None:
        self.layers, self.head = 0, 0
        inside = sum(parameter.numel() for block in model.blocks for parameter in block.parameters())
        outside = model.cfg.d_model * model.cfg.d_vocab
        self.of_layer = inside / len(model.blocks) / (inside + outside) / tokens
        self.of_head = outside / (inside + outside) / tokens
        for block in model.blocks:
            block.hook_in.register_forward_hook(self._count_layer)
        model.unembed.hook_in.register_forward_hook(self._count_head)

    def _count_layer(self, hook: object, given: tuple[torch.Tensor], out: object) -> None:
        self.layers += given[0].shape[:2].numel()

    def _count_head(self, hook: object, given: tuple[torch.Tensor], out: object) -> None:
        self.head += given[0].shape[:2].numel()

    def passes(self) -> float:
        """Since the last time."""
        result = self.layers * self.of_layer + self.head * self.of_head
        self.layers = self.head = 0
        return result


def rows(title: str, model: HookedBridge, tokens: int) -> Iterator[tuple[str, float, float, float]]:
    """Name, seconds, passes by seconds, passes by count."""
    counter, ids = Counter(model, tokens), torch.randint(3, model.cfg.d_vocab, (1, tokens))

    def pass_seconds() -> float:
        with torch.no_grad():
            return median(cpu_seconds(lambda: model(ids)) for _ in range(ROUNDS))

    for name, call in analyses(model, tokens).items():
        before = pass_seconds()
        counter.passes()
        seconds = cpu_seconds(call)
        counted = counter.passes()
        yield f"{name}, {title}", seconds, 2 * seconds / (before + pass_seconds()), counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--real", type=Path, default=Path("runs/smollm2"))
    real = parser.parse_args().real
    torch.set_num_threads(1)
    table = Table("what", "CPU s", "÷ one pass", "counted passes", title=f"{TOKENS} tokens; real: {REAL_TOKENS}")
    for variant in ("softmax", "cog"):
        torch.manual_seed(0)
        plain = AutoModelForCausalLM.from_config(AutoConfig.for_model("gpt2")).eval()
        for name, seconds, ratio, counted in rows(variant, hooked(attach(plain, AttentionSpec(variant))), TOKENS):
            table.add_row(name, f"{seconds:.1f}", against(ratio, BARS[name]), f"{counted:.1f}")
    if (real / "config.json").exists():
        for name, seconds, ratio, counted in rows("SmolLM2 135M", load(str(real)), REAL_TOKENS):
            table.add_row(name, f"{seconds:.1f}", f"{ratio:.1f}", f"{counted:.1f}")
    sys.exit(print_tables([table]))


if __name__ == "__main__":
    main()

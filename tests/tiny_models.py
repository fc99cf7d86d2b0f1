"""Tiny models with random weights and a tokenizer, and folders of them: what the tests of interp and app run on."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from headscope import AttentionSpec, attach, save
from headscope.models.data.text.tokenizer import train_tokenizer
from headscope.models.hooked import hooked

CORPUS = (
    'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n    """Return a point."""\n',
    "The if statement is used for conditional execution. If all expressions are false, the else clause is executed.\n",
)
CONTEXT = 64
# Tokens which would do something if a page took them for markup; whole ones, as a model of web pages may have.
HOSTILE = ("<script>alert(1)</script>", "<s>", "</s>", "<img src=x onerror=alert(2)>", "**x**", ":red[y]")


@cache
def tiny_tokenizer_core() -> PreTrainedTokenizerFast:
    tokenizer = train_tokenizer(CORPUS, 300 - len(HOSTILE), CONTEXT)
    tokenizer.add_tokens(list(HOSTILE))
    return tokenizer


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 300 tokens, its own copy for every caller."""
    return PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer_core().backend_tokenizer, bos_token="<|endoftext|>")


def tiny_config(context: int, width: tuple[int, int], layers: int, heads: int, initializer_range: float) -> LlamaConfig:
    """A Llama decoder of the tiny tokenizer's tokens; width: of the residual stream and of MLPs."""
    return LlamaConfig(
        vocab_size=300,
        hidden_size=width[0],
        intermediate_size=width[1],
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        initializer_range=initializer_range,
    )


def tiny_model(variant: str, context: int = CONTEXT, layers: str = "all") -> PreTrainedModel:
    """A random Llama decoder with attention far from uniform."""
    torch.manual_seed(0)
    config = tiny_config(context, width=(32, 48), layers=3, heads=2, initializer_range=0.4)
    options: dict[str, Any] = {"power": 3} if variant == "polynomial" else {}
    return attach(LlamaForCausalLM(config).eval(), AttentionSpec(variant, layers=layers, **options))


def hooked_tiny(variant: str) -> Any:
    """The same behind transformer-lens's hooks."""
    return hooked(tiny_model(variant), tiny_tokenizer())


def tiny_folder(folder: Path, variant: str, *, with_tokenizer: bool = True, **choices: Any) -> Path:
    """A model folder as a user may have it."""
    return save(tiny_model(variant, **choices), folder, tokenizer=tiny_tokenizer() if with_tokenizer else None)


def long_folder(folder: Path, context: int, *, with_tokenizer: bool = True) -> Path:
    """A folder of 8 layers with 6 heads of cog attention that read long prompts."""
    torch.manual_seed(0)
    config = tiny_config(context, width=(96, 96), layers=8, heads=6, initializer_range=0.2)
    model = attach(LlamaForCausalLM(config).eval(), AttentionSpec("cog"))
    return save(model, folder, tokenizer=tiny_tokenizer() if with_tokenizer else None)

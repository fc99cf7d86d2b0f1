"""Model folders for the tests: a good one, ways to spoil it, and what is said of it then."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_decoders import SPECS, stir, tiny_decoder
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from transformers import (
    PreTrainedTokenizerFast,
)

from headscope import attach, save
from headscope.models.checkpoints import CheckpointError, open_folder


def tokenizer(changed: str = "x") -> PreTrainedTokenizerFast:
    """Bytes are tokens; `changed` makes another tokenizer of it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())[:97]
    core = Tokenizer(
        BPE(vocab={token: number for number, token in enumerate(["<s>", changed * 9, *alphabet])}, merges=[])
    )
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="<s>", model_max_length=64)


def carrying(family: str, spec: str = "cogformer") -> Any:
    model = attach(tiny_decoder(family), SPECS[spec])
    stir(model, 0.05)
    return model


def good_folder(place: Path) -> Path:
    """A good folder of a tiny Llama with Cog in its inner layer, and a tokenizer."""
    return save(carrying("llama"), place, tokenizer())


def edit_config(folder: Path, **changes: Any) -> None:
    fields = json.loads((folder / "config.json").read_text())
    kept = {name: value for name, value in {**fields, **changes}.items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(kept))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_header(folder: Path, header: Any, body: bytes = b"") -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + body)


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_folder(folder)
    return str(caught.value)

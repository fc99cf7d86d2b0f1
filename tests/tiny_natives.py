"""Tiny models whose own attention is beyond softmax, with sizes at which the mechanism shows in a short prompt."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from headscope import load
from headscope.interp.families.trial import SPREAD
from headscope.models.seam.tiny_config import tiny_config

# Attention whose heads are gated before W_O: element by element, and by a number a head (LFM3, Laguna).
GATED = ("qwen3_next", "qwen3_5_text", "lfm3", "laguna")
# Chunks of 4, a layer without rotation, and a temperature that grows every 3 positions.
LLAMA_4 = {"no_rope_layers": [1, 0], "attention_chunk_size": 4, "floor_scale": 3, "attn_scale": 0.7}
OWN: dict[str, dict[str, Any]] = {
    "llama4_text": {**LLAMA_4, "layer_types": ["chunked_attention", "full_attention"]},
}


def native(family: str) -> PreTrainedModel:
    """The model as transformers makes it, its weights stirred."""
    config = tiny_config(family)
    for name, value in OWN.get(family, {}).items():
        setattr(config, name, value)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * SPREAD)
    return model


class Native:
    """A folder that transformers wrote, its model there and here, and what both hold over one batch."""

    def __init__(self, family: str, folder: Path) -> None:
        native(family).save_pretrained(folder)
        self.folder = folder
        self.plain: Any = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
        self.ids = torch.randint(3, 90, (2, 11), generator=torch.Generator().manual_seed(0))
        self.bridge: Any = load(folder)
        with torch.no_grad():
            whole = self.plain(self.ids, output_attentions=True)
            self.logits, self.cache = self.bridge.run_with_cache(self.ids)
        self.plain_logits, self.attentions = whole.logits, whole.attentions
        self.layers = [at for at, block in enumerate(self.bridge.blocks) if "attn" in block.submodules]

    def held(self, layer: int, hook: str) -> torch.Tensor:
        """What a hook of a layer's attention held."""
        return self.cache[f"blocks.{layer}.attn.{hook}"]

    @torch.no_grad()
    def edited(self, layer: int, hook: str, edit: Any) -> torch.Tensor:
        """The logits where a hook of a layer's attention is edited."""
        hooks = [(f"blocks.{layer}.attn.{hook}", lambda value, hook: edit(value))]
        return self.bridge.run_with_hooks(self.ids, fwd_hooks=hooks)

    def mixed(self, layer: int) -> torch.Tensor:
        """The pattern times the values, by position and head."""
        pattern, v = self.held(layer, "hook_pattern"), self.held(layer, "hook_v")
        v = v.unflatten(-1, (-1, self.bridge.cfg.d_value)).flatten(2, -2)
        return torch.einsum("bhqk,bkhd->bqhd", pattern, v.repeat_interleave(pattern.shape[1] // v.shape[2], 2))


@cache
def native_folder(family: str, root: Path) -> Native:
    """The same, made once for all tests of a run, which leave it as it is."""
    return Native(family, root / family)

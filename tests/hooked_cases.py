"""A variant in a tiny decoder, plain and hooked, with one cached run of a padded batch: what tests of hooks share."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from tiny_decoders import attached, random_ids
from torch import Tensor
from transformer_lens import ActivationCache

from headscope.models.hooked import hooked

N_LAYERS, N_HEADS, D_HEAD, D_MODEL = 3, 4, 8, 32
LAYER = "blocks.1.attn"
FUSED = ("gpt2", "gpt_neox")
PARALLEL = ("gpt_neox", "phi")  # attention and MLP read the same stream
GROUPED = ("llama", "qwen3", "gemma2", "gemma3_text")


def padded_batch() -> dict[str, Tensor]:
    """Two prompts, the first with four tokens of padding on the left."""
    torch.manual_seed(1)
    mask = torch.ones(2, 12, dtype=torch.long)
    mask[0, :4] = 0
    return {"input": random_ids(2, 12), "attention_mask": mask}


class Case:
    """One variant in one family: the plain model's logits, the same model hooked, and one cached run."""

    def __init__(self, family: str, name: str) -> None:
        model = attached(family, name)
        self.batch = padded_batch()
        mask = self.batch["attention_mask"]
        with torch.no_grad():
            positions = (mask.cumsum(-1) - 1).clamp_min(0)
            self.plain_logits = model(self.batch["input"], attention_mask=mask, position_ids=positions).logits
            self.bridge: Any = hooked(model)
            self.bridge.set_use_attn_result(True)
            self.logits, self.cache = self.bridge.run_with_cache(**self.batch)

    def value(self, name: str) -> Tensor:
        return self.cache[f"{LAYER}.{name}"]

    def weighed(self, scores: Tensor) -> Tensor:
        """The layer's weights of scores, by what its hooks say of its other inputs."""
        return weighed(self.bridge, self.cache, scores)

    def rerun(self, name: str, edit: Callable[[Tensor], Tensor]) -> tuple[Tensor, ActivationCache]:
        """A cached run in which the hook of layer 1 returns edit(activation)."""
        self.bridge.add_hook(f"{LAYER}.{name}", lambda activation, hook: edit(activation))
        try:
            with torch.no_grad():
                return self.bridge.run_with_cache(**self.batch)
        finally:
            self.bridge.reset_hooks()

    def changed(self, logits: Tensor) -> float:
        """How far the logits of real tokens are from the unedited ones."""
        real = self.batch["attention_mask"].bool()
        return float((logits - self.logits)[real].abs().max())


case = cache(Case)


def weighed(bridge: Any, run: ActivationCache, scores: Tensor) -> Tensor:
    """The weights of scores in layer 1, by what its hooks say of its other inputs in a run."""
    layer = bridge.blocks[1].attn.layer
    parts = {name: run[f"{LAYER}.hook_{name}"].mT[:, :, None] for name in layer.reads_hidden}
    return layer.weigh(scores, visible(scores), parts)


def close(actual: Tensor, expected: Tensor, atol: float = 1e-4) -> None:
    torch.testing.assert_close(actual, expected, atol=atol, rtol=0)


def distance_of_roundings(one: Tensor, other: Tensor, exact: Tensor) -> float:
    """How far two computations in half precision lie apart, in how far the second lies from the exact one.

    Two that round independently lie √2 apart; two that round alike, less.
    """
    return float((one.float() - other.float()).abs().mean() / (other.float() - exact).abs().mean())


def kv_heads(family: str) -> int:
    return N_HEADS if family in FUSED else 1 if family == "gpt_bigcode" else 2


def visible(scores: Tensor) -> Tensor:
    return scores > torch.finfo(scores.dtype).min / 2


def per_query_head(x: Tensor) -> Tensor:
    """Grouped heads [batch, pos, kv_head, d_head] repeated for the query heads that share them."""
    return x.repeat_interleave(N_HEADS // x.shape[2], dim=2)

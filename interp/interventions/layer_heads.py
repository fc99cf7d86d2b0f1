"""Layer heads: what the heads of one layer read and wrote in one prompt, and what the model then predicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.interventions.touched_run import ROWS
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import HeadWeights

MIXING = ("attn.hook_pattern", "attn.hook_v", "attn.hook_z")
SCALE = "ln1_post.hook_scale"


@dataclass(frozen=True)
class LayerHeads:
    """One layer in one prompt; Σ output over heads is hook_attn_out less its bias.

    scale: what a norm after attention (Gemma) divides by at each position, frozen; 1 where no norm follows.
    """

    layer: int
    prompt: PromptTokens
    logits: Float[Tensor, "pos_or_one vocab"]
    pattern: Float[Tensor, "head pos pos"]
    values: Float[Tensor, "pos kv_head d_head"]
    W_O: Float[Tensor, "head d_head d_model"]
    output: Float[Tensor, "head pos d_model"]
    scale: Float[Tensor, "pos 1"]

    @property
    def ids(self) -> Int[Tensor, "pos"]:
        """The prompt's tokens."""
        return torch.tensor(self.prompt.ids)


def layer_heads(
    model: HookedModel, weights: HeadWeights, prompts: Sequence[PromptTokens], layer: int, batch_size: int = ROWS
) -> list[LayerHeads]:
    """A layer in every prompt; prompts of one length run together, at most batch_size of them."""
    names = [*MIXING, *([SCALE] if hasattr(model.blocks[layer], "ln1_post") else [])]
    places = [f"blocks.{layer}.{name}" for name in names]
    W_O = weights.W_O[weights.of_head(layer, 0)[0]]
    result = []
    for batch in batches(prompts, batch_size, lambda prompt: len(prompt.ids)):
        for run in gathered_activations(model, batch, places):
            pattern, values, z, *frozen = (run[place] for place in places)
            scale = frozen[0] if frozen else torch.ones(len(z), 1)
            output = torch.einsum("phe,hem->hpm", z, W_O) / scale
            prompt = text_alone(run.tokens)
            result.append(LayerHeads(layer, prompt, run.logits, pattern, values, W_O, output, scale))
    return result

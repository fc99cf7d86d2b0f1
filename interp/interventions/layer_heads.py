"""Layer heads: what the heads of one layer read and wrote in one prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.interventions.kept_run import KeptRun
from headscope.interp.reading.activations import GATE, PATTERN, gathered_activations, mixing
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import text_alone
from headscope.interp.weights.head_weights import HeadWeights

HELD = (PATTERN, "attn.hook_v", "attn.hook_z")
SCALE = "ln1_post.hook_scale"


@dataclass(frozen=True)
class LayerHeads:
    """One layer in the untouched run of one prompt; Σ output over heads is hook_attn_out less its bias.

    pattern: times the gate of each row, where there is one. scale: what a norm after attention (Gemma) divides by at
    each position, frozen; 1 where no norm follows.
    """

    layer: int
    run: KeptRun
    pattern: Float[Tensor, "head pos pos"]
    values: Float[Tensor, "pos kv_head d_head"]
    W_O: Float[Tensor, "head d_head d_model"]
    output: Float[Tensor, "head pos d_model"]
    scale: Float[Tensor, "pos 1"]

    @property
    def ids(self) -> Int[Tensor, "pos"]:
        """The prompt's tokens."""
        return torch.tensor(text_alone(self.run.prompt).ids)


def layer_heads(model: HookedModel, weights: HeadWeights, runs: Sequence[KeptRun], layer: int) -> list[LayerHeads]:
    """A layer in every run: that layer alone is run again."""
    block = model.blocks[layer]
    further = {SCALE: hasattr(block, "ln1_post"), GATE: hasattr(block.attn, "hook_gate")}
    names = [*HELD, *(name for name, is_there in further.items() if is_there)]
    places = {name: f"blocks.{layer}.{name}" for name in names}
    W_O = weights.W_O[weights.of_head(layer, 0)[0]]
    result = []
    for run in runs:
        with run.resumed_at(layer, layer + 1):
            [seen] = gathered_activations(model, [run.prompt], list(places.values()))
        held = {name: seen[place] for name, place in places.items()}
        pattern, values, z = (held[name] for name in HELD)
        pattern = mixing(pattern, held[GATE]) if GATE in held else pattern
        scale = held.get(SCALE, torch.ones(len(z), 1))
        output = torch.einsum("phe,hem->hpm", z, W_O) / scale
        result.append(LayerHeads(layer, run, pattern, values, W_O, output, scale))
    return result

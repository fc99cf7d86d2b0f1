"""Touched run: one forward pass with interventions in it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from headscope.interp.interventions.intervention import Intervention, edited_pattern
from headscope.interp.reading.hooked_model import Hook, HookedModel, head_layers, module_of
from headscope.interp.reading.prompt import Prompt, batch_of, logits_by_position
from headscope.models.attention.run import at_least_float32
from headscope.models.hosts.execution_device import execution_device
from headscope.models.seam.hooked_kernel import visible_cells

ROWS = 16  # edited copies of a prompt that share a forward pass


def logits_of_prompt(
    model: HookedModel, prompt: Prompt, hooks: Sequence[Hook] = ()
) -> Float[Tensor, "pos_or_one vocab"]:
    """Logits of a text's tokens, of its mask or of an image on the CPU, float32 at least, under hooks."""
    return logits_of_rows(model, batch_of(model, [prompt]), hooks, prompt)[0]


@torch.no_grad()
def logits_of_rows(
    model: HookedModel,
    batch: Shaped[Tensor, "row ..."],
    hooks: Sequence[Hook],
    like: Prompt,
    **how: object,
) -> Float[Tensor, "row pos_kept vocab"]:
    """Logits of prompts of one length on the CPU, float32 at least, under hooks; how: options of the forward pass.

    like: a prompt that the model answers where it answers the rows.
    """
    device = execution_device(module_of(model))
    output = model.run_with_hooks(batch.to(device), fwd_hooks=list(hooks), **how)
    return at_least_float32(logits_by_position(model, output, [like] * len(batch))).cpu()


def editing_hooks(interventions: Sequence[Intervention]) -> list[Hook]:
    """Hooks that edit the pattern of every layer concerned, in the order given."""
    hooks: list[Hook] = []
    for layer in sorted({intervention.layer for intervention in interventions}):
        editor = _Editor([intervention for intervention in interventions if intervention.layer == layer])
        name = f"blocks.{layer}.attn"
        hooks += [
            (f"{name}.hook_attn_scores", editor.see),
            (f"{name}.hook_pattern", editor.edit),
        ]
    return hooks


class _Editor:
    """The two hooks of one layer: the scores say which cells are visible, the pattern is edited."""

    def __init__(self, interventions: Sequence[Intervention]) -> None:
        self.interventions = interventions

    def see(self, scores: Float[Tensor, "batch head query key"], hook: object) -> None:
        self.visible = visible_cells(scores)

    def edit(self, pattern: Float[Tensor, "batch head query key"], hook: object) -> Float[Tensor, "..."]:
        for intervention in self.interventions:
            pattern = edited_pattern(pattern, self.visible, intervention)
        return pattern


def refuse_outside(model: HookedModel, pos: int, interventions: Sequence[Intervention]) -> None:
    """Raise ValueError for an intervention on a layer, head or token that is not there."""
    sizes = {"layer": model.cfg.n_layers, "head": model.cfg.n_heads, "query": pos, "key": pos}
    layers = head_layers(model)
    for intervention in interventions:
        for name, size in sizes.items():
            if (index := getattr(intervention, name)) is not None and index >= size:
                raise ValueError(f"intervention on {name} {index}; this run has {name} 0 to {size - 1}")
        if intervention.layer not in layers:
            there_are = ", ".join(map(str, layers))
            raise ValueError(f"intervention on layer {intervention.layer}, which has no heads; in layers {there_are}")

"""Last residuals: the last token's residual after every layer, of many prompts, and nothing else kept of their runs."""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.reading.activations import final_hook
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, module_of
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device

Ids = tuple[int, ...]
BATCH = 16


def last_residuals(
    model: HookedModel, prompts: Sequence[Ids], watch: Watch = watch_nothing, batch_size: int = BATCH
) -> Float[Tensor, "prompt depth d_model"]:
    """resid_post of every layer and the final norm's output at the last token, on the CPU, float32 at least.

    A prompt that comes twice is run once; prompts of one length run together, at most batch_size of them, unpadded.
    watch(done, total) counts the prompts that are run. Hooks are state: the caller lets one run in at a time.
    Raises ValueError for no prompt, an empty one, and one longer than the context.
    """
    distinct = list(dict.fromkeys(prompts))
    refuse_unreadable_prompts(distinct, model.cfg.n_ctx)
    result: dict[Ids, Tensor] = {}
    for batch in batches(distinct, batch_size, len):
        result |= dict(zip(batch, of_batch(model, batch), strict=True))
        watch(len(result), len(distinct))
    return torch.stack([result[prompt] for prompt in prompts])


def residual_hook_names(model: HookedModel) -> list[str]:
    """The hooks that are read, from the first layer to what the unembedding reads."""
    return [*(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers)), final_hook(model)]


@torch.no_grad()
def of_batch(model: HookedModel, batch: Sequence[Ids]) -> Float[Tensor, "prompt depth d_model"]:
    """One forward pass over prompts of one length."""
    rows: dict[str, Tensor] = {}

    def keep(place: str, residual: Float[Tensor, "prompt pos d_model"], hook: object) -> None:
        rows[place] = at_least_float32(residual[:, -1].detach().cpu())

    wanted = residual_hook_names(model)
    ids = torch.tensor(batch, device=execution_device(module_of(model)))
    with patternless():
        model.run_with_hooks(ids, fwd_hooks=[(place, partial(keep, place)) for place in wanted], logits_to_keep=1)
    return torch.stack([rows[place] for place in wanted], 1)


def refuse_unreadable_prompts(prompts: Sequence[Ids], context: int) -> None:
    """Raise ValueError for what the model cannot read."""
    if not prompts:
        raise ValueError("no prompt was given; give one at least")
    lengths = [len(prompt) for prompt in prompts]
    if not min(lengths) or max(lengths) > context:
        stranger = 0 if not min(lengths) else max(lengths)
        raise ValueError(f"a prompt of {stranger} tokens was given; this model reads 1 to {context}")

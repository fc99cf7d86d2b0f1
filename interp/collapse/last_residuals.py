"""Last residuals: the last token's residual after every layer, of many prompts, and nothing else kept of their runs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import DynamicCache

from headscope.interp.collapse.beginnings import Carrier, Ids, carriers, first_part
from headscope.interp.reading.activations import final_hook
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, head_layers, looks_back, module_of
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device

BATCH = 16
Residuals = Float[Tensor, "prompt depth d_model"]


def last_residuals(
    model: HookedModel, prompts: Sequence[Ids], watch: Watch = watch_nothing, batch_size: int = BATCH
) -> Residuals:
    """resid_post of every layer and the final norm's output at the last token, on the CPU, float32 at least.

    Prompts that begin alike take one pass over the longest of them, and one query for each that then ends otherwise,
    where the model was seen to give the same so: no encoder does, nor a model whose angles or temperatures know the
    length of the whole prompt. Elsewhere a prompt that comes twice is run once, and prompts of one length run
    together, at most batch_size of them, unpadded.
    watch(done, total) counts the prompts. Hooks are state: the caller lets one run in at a time.
    Raises ValueError for no prompt, an empty one, and one longer than the context.
    """
    distinct = list(dict.fromkeys(prompts))
    refuse_unreadable_prompts(distinct, model.cfg.n_ctx)
    result: dict[Ids, Tensor] = {}
    for carrier in carriers(distinct) if len(distinct) > 1 and looks_back(model) else ():
        if (read := of_carrier(model, carrier)) is None:
            break
        result |= read
        watch(len(result), len(distinct))
    for batch in batches([prompt for prompt in distinct if prompt not in result], batch_size, len):
        result |= dict(zip(batch, of_batch(model, batch), strict=True))
        watch(len(result), len(distinct))
    return torch.stack([result[prompt] for prompt in prompts])


def of_carrier(model: HookedModel, carrier: Carrier) -> dict[Ids, Float[Tensor, "depth d_model"]] | None:
    """All that is read off a carrier; None where the shortest of each kind is not what it is when run alone."""
    cached = bool(carrier.other_ends) and len(head_layers(model)) == model.cfg.n_layers
    cache = DynamicCache() if cached else None
    places = [len(prompt) - 1 for prompt in carrier.beginnings]
    rows = residuals_at(model, [carrier.ids], places, cache)
    result = dict(zip(carrier.beginnings, rows, strict=True))
    if not is_run_alone(model, carrier.beginnings[-1], carrier.ids, result):
        return None
    return result | of_other_ends(model, carrier, cache)


def of_other_ends(
    model: HookedModel, carrier: Carrier, cache: DynamicCache | None
) -> dict[Ids, Float[Tensor, "depth d_model"]]:
    """Those that end otherwise, shortest first; none where they are not what they are when run alone."""
    result: dict[Ids, Tensor] = {}
    for prompt in reversed(carrier.other_ends):
        if cache is None or cache.get_seq_length() < len(carrier.ids):
            return {}
        begun = first_part(cache, len(prompt) - 1)
        [result[prompt]] = residuals_at(model, [prompt[-1:]], [0], begun)
        if len(result) == 1 and not is_run_alone(model, prompt, carrier.ids, result):
            return {}
    return result


def is_run_alone(
    model: HookedModel, prompt: Ids, carrier: Ids, rows: Mapping[Ids, Float[Tensor, "depth d_model"]]
) -> bool:
    """Whether a prompt's rows are those of its own run, to half the digits of its numbers, of float32 at most."""
    if prompt == carrier:
        return True
    [alone] = of_batch(model, [prompt])
    digits = max(torch.finfo(dtype).eps for dtype in (next(model.parameters()).dtype, torch.float32)) ** 0.5
    return bool(((rows[prompt] - alone).norm(dim=-1) <= digits * alone.norm(dim=-1)).all())


def residual_hook_names(model: HookedModel) -> list[str]:
    """The hooks that are read, from the first layer to what the unembedding reads."""
    return [*(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers)), final_hook(model)]


def of_batch(model: HookedModel, batch: Sequence[Ids]) -> Residuals:
    """One forward pass over prompts of one length."""
    return residuals_at(model, batch, [-1])


@torch.no_grad()
def residuals_at(
    model: HookedModel, batch: Sequence[Ids], places: Sequence[int], cache: DynamicCache | None = None
) -> Residuals:
    """One forward pass, read at some places of each prompt, prompt by prompt; a cache comes before it, and grows."""
    rows: dict[str, Tensor] = {}

    def keep(place: str, residual: Float[Tensor, "prompt pos d_model"], hook: object) -> None:
        # A model that gives the last position alone to its final norm has been asked for its last row
        rows[place] = at_least_float32(residual[:, places].detach().cpu()).flatten(0, 1)

    wanted = residual_hook_names(model)
    ids = torch.tensor(batch, device=execution_device(module_of(model)))
    given: dict[str, Any] = {"logits_to_keep": 1, "use_cache": cache is not None}
    if cache is not None:
        given["past_key_values"] = cache
    with patternless():
        model.run_with_hooks(ids, fwd_hooks=[(place, partial(keep, place)) for place in wanted], **given)
    return torch.stack([rows[place] for place in wanted], 1)


def refuse_unreadable_prompts(prompts: Sequence[Ids], context: int) -> None:
    """Raise ValueError for what the model cannot read."""
    if not prompts:
        raise ValueError("no prompt was given; give one at least")
    lengths = [len(prompt) for prompt in prompts]
    if not min(lengths) or max(lengths) > context:
        stranger = 0 if not min(lengths) else max(lengths)
        raise ValueError(f"a prompt of {stranger} tokens was given; this model reads 1 to {context}")

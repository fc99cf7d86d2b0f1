"""Last residuals: the last token's residual after every layer, of many prompts, and nothing else kept of their runs."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from headscope.models.attention import variant_named
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device

BATCH = 16
DepthRows = Float[Tensor, "depth d_model"]
Residuals = Float[Tensor, "prompt depth d_model"]


def last_residuals(
    model: HookedModel, prompts: Sequence[Ids], watch: Watch = watch_nothing, batch_size: int = BATCH
) -> Residuals:
    """resid_post of every layer and the final norm's output at the last token, on the CPU, float32 at least.

    Prompts that begin alike take one pass over the longest of them, and one over all that then end otherwise, where
    the model was seen to give the same so: no encoder does, nor a model whose angles or temperatures know the
    length of the whole prompt. Elsewhere a prompt that comes twice is run once, and prompts of one length run
    together, at most batch_size of them, unpadded.
    watch(done, total) counts the prompts. Hooks are state: the caller lets one run in at a time.
    Raises ValueError for no prompt, an empty one, and one longer than the context.
    """
    distinct = list(dict.fromkeys(prompts))
    refuse_unreadable_prompts(distinct, model.cfg.n_ctx)
    result: dict[Ids, Tensor] = {}
    reader = Reader(model)
    for carrier in carriers(distinct) if len(distinct) > 1 and looks_back(model) else ():
        if (read := of_carrier(reader, carrier)) is None:
            break
        result |= read
        watch(len(result), len(distinct))
    for batch in batches([prompt for prompt in distinct if prompt not in result], batch_size, len):
        result |= dict(zip(batch, of_batch(model, batch), strict=True))
        watch(len(result), len(distinct))
    return torch.stack([result[prompt] for prompt in prompts])


@dataclass(frozen=True)
class Reader:
    """Reads prompts off the run of another; ways: in which the model was seen to give what their own runs give."""

    model: HookedModel
    ways: set[str] = field(default_factory=set[str])

    def is_near(self, rows: DepthRows, alone: DepthRows) -> bool:
        """Whether rows are the same, to half the digits of the model's numbers, of float32 at most."""
        digits = max(torch.finfo(dtype).eps for dtype in (next(self.model.parameters()).dtype, torch.float32)) ** 0.5
        return bool(((rows - alone).norm(dim=-1) <= digits * alone.norm(dim=-1)).all())

    def allows(self, way: str, prompt: Ids, rows: DepthRows) -> bool:
        """Whether a way gives a prompt's rows as its own run does; once seen, it is not looked at again."""
        if way not in self.ways and self.is_near(rows, of_batch(self.model, [prompt])[0]):
            self.ways.add(way)
        return way in self.ways


def of_carrier(reader: Reader, carrier: Carrier) -> dict[Ids, DepthRows] | None:
    """All that is read off a carrier; None where the shortest of each kind is not what it is when run alone."""
    model, shortest = reader.model, carrier.beginnings[-1]
    cached = bool(carrier.other_ends) and len(head_layers(model)) == model.cfg.n_layers
    cache = DynamicCache() if cached else None
    places = [len(prompt) - 1 for prompt in carrier.beginnings]
    rows = residuals_at(model, [carrier.ids], places, cache)
    result = dict(zip(carrier.beginnings, rows, strict=True))
    if shortest != carrier.ids and not reader.allows("beginning", shortest, result[shortest]):
        return None
    if cache is None or cache.get_seq_length() < len(carrier.ids):
        return result
    ends = carrier.other_ends[::-1]
    return result | (ends_in_one_row(reader, ends, cache) or ends_apart(reader, ends, cache))


def ends_in_one_row(reader: Reader, ends: Sequence[Ids], cache: DynamicCache) -> dict[Ids, DepthRows]:
    """The last tokens of prompts in one pass, each of which sees what its prompt begins with, and itself.

    Shortest first. Empty where the model makes positions or counts of tokens by itself, or gives the first or the last
    otherwise: of sliding windows such a mask knows nothing.
    """
    model, way = reader.model, "ends in one row"
    parameters = inspect.signature(model.original_model.forward).parameters
    counts = variant_named(model.attention_spec.variant).learns_temperatures
    longest = len(ends[-1]) - 1
    if len(ends) == 1 or longest + len(ends) > model.cfg.n_ctx or "position_ids" not in parameters or counts:
        return {}
    begun = torch.tensor([[len(prompt) - 1] for prompt in ends], device=execution_device(module_of(model)))
    itself = torch.eye(len(ends), dtype=torch.bool, device=begun.device)
    mask = torch.cat([torch.arange(longest, device=begun.device) < begun, itself], 1)[None, None]
    given = {"attention_mask": mask, "position_ids": begun.T}
    places, row = range(len(ends)), [tuple(prompt[-1] for prompt in ends)]
    result = dict(zip(ends, residuals_at(model, row, places, first_part(cache, longest), **given), strict=True))
    is_whole = way in reader.ways or reader.is_near(result[ends[-1]], last_token(model, ends[-1], cache))
    return result if is_whole and reader.allows(way, ends[0], result[ends[0]]) else {}


def ends_apart(reader: Reader, ends: Sequence[Ids], cache: DynamicCache) -> dict[Ids, DepthRows]:
    """The last token of each prompt in a pass of its own; none where that of the first is not what it is run alone."""
    result: dict[Ids, Tensor] = {}
    for prompt in ends:
        result[prompt] = last_token(reader.model, prompt, cache)
        if not reader.allows("end", prompt, result[prompt]):
            return {}
    return result


def last_token(model: HookedModel, prompt: Ids, cache: DynamicCache) -> DepthRows:
    """That of a prompt behind what it begins with."""
    [rows] = residuals_at(model, [prompt[-1:]], [0], first_part(cache, len(prompt) - 1))
    return rows


def residual_hook_names(model: HookedModel) -> list[str]:
    """The hooks that are read, from the first layer to what the unembedding reads."""
    return [*(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers)), final_hook(model)]


def of_batch(model: HookedModel, batch: Sequence[Ids]) -> Residuals:
    """One forward pass over prompts of one length."""
    return residuals_at(model, batch, [-1])


@torch.no_grad()
def residuals_at(
    model: HookedModel,
    batch: Sequence[Ids],
    places: Sequence[int],
    cache: DynamicCache | None = None,
    **more: Tensor,
) -> Residuals:
    """One forward pass, read at some places of each prompt, prompt by prompt; a cache comes before it, and grows.

    more: what else the model is given.
    """
    rows: dict[str, Tensor] = {}

    def keep(place: str, residual: Float[Tensor, "prompt pos d_model"], hook: object) -> None:
        # A model that gives the last position alone to its final norm has been asked for its last row
        rows[place] = at_least_float32(residual[:, places].detach().cpu()).flatten(0, 1)

    wanted = residual_hook_names(model)
    ids = torch.tensor(batch, device=execution_device(module_of(model)))
    given: dict[str, Any] = {"logits_to_keep": 1, "use_cache": cache is not None, **more}
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

"""Last residuals: the last token's residual after every layer, of many prompts, and nothing else kept of their runs."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers.cache_utils import DynamicCache

from headscope.interp.collapse.beginnings import Carrier, Ids, carriers, first_part, keeps_keys, keys_and_values
from headscope.interp.reading.activations import final_hook
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, looks_back, module_of
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.models.attention import variant_named
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.patternless import patternless
from headscope.models.hosts.execution_device import execution_device

BATCH = 16
IN_ROW = ("first end of a row", "last end of a row")
DepthRows = Float[Tensor, "depth d_model"]
Residuals = Float[Tensor, "prompt depth d_model"]


def last_residuals(
    model: HookedModel, prompts: Sequence[Ids], watch: Watch = watch_nothing, batch_size: int = BATCH
) -> Residuals:
    """resid_post of every layer and the final norm's output at the last token, on the CPU, float32 at least.

    Prompts that begin alike take one pass over what the longest of them begins with, as far as the last layer's keys
    and values, and one over all their last tokens, where the model was seen to give the same so: no encoder does, nor
    a model whose angles or temperatures know the length of the whole prompt. Elsewhere a prompt that comes twice is run
    once, and prompts of one length run together, at most batch_size of them, unpadded.
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
    """Reads prompts off the run of another; ways: whether each was seen to give what a prompt's own run gives."""

    model: HookedModel
    ways: dict[str, bool] = field(default_factory=dict[str, bool])

    def is_near(self, rows: DepthRows, alone: DepthRows) -> bool:
        """Whether rows are the same, to half the digits of the model's numbers, of float32 at most."""
        digits = max(torch.finfo(dtype).eps for dtype in (next(self.model.parameters()).dtype, torch.float32)) ** 0.5
        return bool(((rows - alone).norm(dim=-1) <= digits * alone.norm(dim=-1)).all())

    def allows(self, way: str, rows: DepthRows, alone: Callable[[], DepthRows]) -> bool:
        """Whether a way gives a prompt's rows as it should; once seen, it is not looked at again."""
        if way not in self.ways:
            self.ways[way] = self.is_near(rows, alone())
        return self.ways[way]

    def may(self, way: str) -> bool:
        """Whether a way was not seen to fail."""
        return self.ways.get(way, True)

    def alone(self, prompt: Ids) -> DepthRows:
        """Those of a run of the prompt's own."""
        return of_batch(self.model, [prompt])[0]


def of_carrier(reader: Reader, carrier: Carrier) -> dict[Ids, DepthRows] | None:
    """All that is read off a carrier; None where the shortest of each kind is not what it is when run alone."""
    if may_end_in_one_row(reader, carrier) and (ends := ends_in_one_row(reader, carrier)):
        return ends
    model, shortest = reader.model, carrier.beginnings[-1]
    cache = DynamicCache() if carrier.other_ends and keeps_keys(model) else None
    places = [len(prompt) - 1 for prompt in carrier.beginnings]
    rows = residuals_at(model, [carrier.ids], places, cache)
    result = dict(zip(carrier.beginnings, rows, strict=True))
    if shortest != carrier.ids and not reader.allows("beginning", result[shortest], partial(reader.alone, shortest)):
        return None
    if cache is None or cache.get_seq_length() < len(carrier.ids):
        return result
    return result | ends_apart(reader, carrier.other_ends[::-1], cache)


def may_end_in_one_row(reader: Reader, carrier: Carrier) -> bool:
    """Whether a model may give all last tokens in one row, which is seen when it has: not where it makes positions or
    counts of tokens by itself or weighs keys by their order, where the row's mask would have to know of a sliding
    window, or where hooks look on."""
    model, count = reader.model, len(carrier.prompts)
    if not keeps_keys(model) or any(point.has_hooks() for point in model.hook_dict.values()):
        return False
    given = "position_ids" in inspect.signature(model.original_model.forward).parameters
    variants = [variant_named(part.variant) for part in model.attention_spec.parts]
    counts = any(variant.learns_temperatures or variant.reads_order for variant in variants)
    window = getattr(model.original_model.config.get_text_config(), "sliding_window", None) or model.cfg.n_ctx
    fits = len(carrier.ids) <= window and len(carrier.ids) - 1 + count <= model.cfg.n_ctx
    return given and not counts and fits and count > 1 and all(map(reader.may, IN_ROW))


def ends_in_one_row(reader: Reader, carrier: Carrier) -> dict[Ids, DepthRows]:
    """The last tokens of all prompts in one pass, each of which sees what its prompt begins with, and itself.

    Empty where the model gives the first or the last otherwise.
    """
    model, ends, longest = reader.model, carrier.prompts, len(carrier.ids) - 1
    cache = keys_and_values(model, carrier.ids[:-1])
    begun = torch.tensor([[len(prompt) - 1] for prompt in ends], device=execution_device(module_of(model)))
    itself = torch.eye(len(ends), dtype=torch.bool, device=begun.device)
    mask = torch.cat([torch.arange(longest, device=begun.device) < begun, itself], 1)[None, None]
    given = {"attention_mask": mask, "position_ids": begun.T}
    places, row = range(len(ends)), [tuple(prompt[-1] for prompt in ends)]
    rows = residuals_at(model, row, places, cache, **given)
    alone = partial(reader.alone, ends[0]), partial(last_token, model, ends[-1], cache)
    seen = zip(IN_ROW, (rows[0], rows[-1]), alone, strict=True)
    return dict(zip(ends, rows, strict=True)) if all(reader.allows(*item) for item in seen) else {}


def ends_apart(reader: Reader, ends: Sequence[Ids], cache: DynamicCache) -> dict[Ids, DepthRows]:
    """The last token of each prompt in a pass of its own; none where that of the first is not what it is run alone."""
    result: dict[Ids, Tensor] = {}
    for prompt in ends:
        result[prompt] = last_token(reader.model, prompt, cache)
        if not reader.allows("end", result[prompt], partial(reader.alone, prompt)):
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

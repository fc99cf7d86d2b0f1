"""Extremes: in which row of a passage, and at which key, every head does most of something."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headscope.interp.corpus.passages import SHORTEST
from headscope.interp.deletion.contributions import ov_terms
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.reading.activations import BY_ENTRY, MIXING, PATTERN, SCORES, Activations, gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_matrices import HeadWeights
from headscope.interp.weights.head_weights import head_weights

VALUES = "attn.hook_v"
MEASURES = ("strongest_weight", "negative_mass", "deletion", "copying")
ON_LOGITS = MEASURES[2:]
CELLS = 2**24  # weights of all heads that are looked at together


@dataclass(frozen=True)
class PassageExtremes:
    """Of every passage and head its extreme by each of MEASURES, and where it is; NaN where no row sees enough keys.

    weight: that of the cell. Layers are those with heads, in order. Deletion and copying are NaN where the model's
    logits are not those of the tokens that it reads, or its matrices are not read; head_passages says why.
    """

    value: Float[Tensor, "measure passage layer head"]
    row: Int[Tensor, "measure passage layer head"]
    key: Int[Tensor, "measure passage layer head"]
    weight: Float[Tensor, "measure passage layer head"]


def joined_extremes(parts: Sequence[PassageExtremes]) -> PassageExtremes:
    """Those of several passages, in the order given."""
    fields = ("value", "row", "key", "weight")
    return PassageExtremes(*(torch.cat([getattr(part, name) for part in parts], 1) for name in fields))


def passage_extremes(model: HookedModel, passages: Sequence[PromptTokens]) -> PassageExtremes:
    """Of prompts of any lengths; those of one length share a pass as far as memory is bounded.

    Hooks are state: the caller lets one run in at a time.
    """
    on_logits = not unreadable_logits(model_facts(model), model)
    weights = head_weights(model) if on_logits else None
    names = [PATTERN, SCORES, *((MIXING, VALUES, *SCALES) if on_logits else ())]
    heads = len(head_layers(model)) * model.cfg.n_heads
    result: dict[int, PassageExtremes] = {}
    places = {id(passage): at for at, passage in enumerate(passages)}
    for some in batches(passages, len(passages), len, lambda length: CELLS // (heads * length**2)):
        for passage, run in zip(some, gathered_activations(model, some, names), strict=True):
            result[places[id(passage)]] = extremes_of_run(run, weights)
    return joined_extremes([result[at] for at in range(len(passages))])


def unreadable_logits(facts: ModelFacts, model: HookedModel) -> str:
    """Why nothing is said of the logits of the tokens that heads read, as the end of a sentence, or nothing."""
    if not facts.is_headed:
        return "this model has no head that makes logits"
    if facts.answers is not None:
        return f"this model's logits are of {facts.answers} answers, not of the tokens that it reads"
    if facts.gated_by_entry:
        return f"what the heads of this model put out {BY_ENTRY}"
    return head_weights(model).misread_words(("W_O", "W_U"))


def extremes_of_run(run: Activations, weights: HeadWeights | None) -> PassageExtremes:
    """Of one passage; without weights nothing is known of logits.

    Rows that see fewer than SHORTEST are left out, and so is, but for the negative mass, the first token, on which
    many heads rest.
    """
    assert run.visible is not None  # gathered with the scores
    pattern, visible = run[PATTERN], run.visible
    rows = visible.sum(-1) >= SHORTEST
    cells = (visible & rows[..., None])[:, None].clone()
    cells[..., 0] = False
    extremes = [strongest(pattern.abs(), cells), most_negative(pattern, rows)]
    if weights is None:
        nothing = torch.full(pattern.shape[:2], torch.nan)
        extremes += [(nothing, nothing.isnan().long() * 0)] * 2
    else:
        unembeddings = weights.centred_unembeddings(run.tokens.ids)  # type: ignore[union-attr]
        effect = run[MIXING] * ov_terms(run[VALUES], weights.W_O, unembeddings)[..., None, :]
        effect /= scale_to_logits(run)[:, None]
        extremes += [strongest(-effect, cells), strongest(effect, cells)]
    value, flat = (torch.stack(parts)[:, None] for parts in zip(*extremes, strict=True))
    keys = pattern.shape[-1]
    row, key = flat // keys, flat % keys
    at = pattern.flatten(2).expand(len(extremes), *pattern.shape[:2], -1).gather(-1, flat[:, 0, ..., None])[..., 0]
    return PassageExtremes(value, row, key, at[:, None])


Extreme = tuple[Float[Tensor, "layer head"], Int[Tensor, "layer head"]]  # and the number of the cell


def strongest(numbers: Float[Tensor, "layer head query key"], cells: Bool[Tensor, "layer 1 query key"]) -> Extreme:
    """The largest number among the cells."""
    value, place = numbers.masked_fill(~cells, -torch.inf).flatten(2).max(-1)
    return value.masked_fill(~cells.flatten(1).any(-1, keepdim=True), torch.nan), place


def most_negative(pattern: Float[Tensor, "layer head query key"], rows: Bool[Tensor, "layer query"]) -> Extreme:
    """The row with the largest share of negative weight, and its most negative key; NaN where no weight is negative."""
    total, negative = pattern.abs().sum(-1), -pattern.clamp(max=0).sum(-1)
    counted = rows[:, None] & (total > 0)
    share = (negative / total).masked_fill(~counted, -torch.inf)
    value, row = share.max(-1)
    key = pattern.gather(2, row[..., None, None].expand(*row.shape, 1, pattern.shape[-1]))[:, :, 0].argmin(-1)
    return value.masked_fill(value <= 0, torch.nan), row * pattern.shape[-1] + key

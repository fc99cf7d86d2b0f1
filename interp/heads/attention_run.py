"""Attention run: one prompt through a model, and everything that the attention of that run says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.reading.hooked_model import Hook, HookedModel, head_layers
from headscope.interp.reading.next_tokens import NextTokens, nothing_predicted
from headscope.interp.reading.prompt import Prompt, answer_names, batch_of, logits_by_position
from headscope.interp.results.all_layers import spread_over_layers
from headscope.interp.rows.head_statistics import HeadStatistics, head_statistics
from headscope.interp.rows.row_statistics import RowStatistics, row_statistics
from headscope.models.seam.hooked_kernel import visible_cells


@dataclass(frozen=True)
class AttentionRun:
    """Signed patterns of one prompt, which cells a query may see, and the statistics and predictions of every row.

    Of all layers; one without attention sees nothing.
    """

    tokens: Prompt
    patterns: Float[Tensor, "layer head query key"]
    visible: Bool[Tensor, "layer query key"]
    rows: RowStatistics
    heads: HeadStatistics
    predictions: NextTokens
    prediction_strings: dict[int, str]


def attention_run(
    model: HookedModel, tokens: Prompt, predictions: int = 10, edits: Sequence[Hook] = ()
) -> AttentionRun:
    """Run a prompt once and keep its patterns on the CPU. Hooks are state: the caller lets one run in at a time.

    edits: hooks that change the run before it is read.

    Assumes hook_pattern is what multiplies the values, masked cells exactly 0, and hook_attn_scores is masked with −inf
    or the lowest number of its dtype, with the same mask in every head of a layer.
    """
    patterns: list[Float[Tensor, "head query key"]] = []
    visible: list[Bool[Tensor, "query key"]] = []

    def keep_pattern(pattern: Float[Tensor, "1 head query key"], hook: object) -> None:
        patterns.append(pattern[0].float().cpu().clone())

    def keep_visible(scores: Float[Tensor, "1 head query key"], hook: object) -> None:
        visible.append(visible_cells(scores[0, 0]).cpu())

    layers = head_layers(model)
    names = [f"blocks.{layer}.attn" for layer in layers]
    hooks = [*edits, *((f"{name}.hook_pattern", keep_pattern) for name in names)]
    hooks += [(f"{name}.hook_attn_scores", keep_visible) for name in names]
    with torch.no_grad():
        output = model.run_with_hooks(batch_of(model, [tokens]), fwd_hooks=hooks)
    [logits] = logits_by_position(model, output, [tokens])
    answers = tokens.predictions(logits.cpu(), predictions) if logits.numel() else nothing_predicted(len(logits))
    seen, a = (spread_over_layers(torch.stack(each), layers, model.cfg.n_layers) for each in (visible, patterns))
    a[[layer for layer in range(model.cfg.n_layers) if layer not in layers]] = 0.0
    return attention_run_from_tensors(tokens, a, seen, answers, answer_names(model))


def attention_run_from_tensors(
    tokens: Prompt,
    patterns: Float[Tensor, "layer head query key"],
    visible: Bool[Tensor, "layer query key"],
    likely: NextTokens,
    name: Callable[[int], str],
) -> AttentionRun:
    """The record of a run from its raw tensors."""
    rows = stacked_statistics([row_statistics(layer) for layer in patterns])
    shown = () if tokens.answers_by_position else tokens.known_answers
    strings = {i: name(i) for i in [*likely.ids.unique().tolist(), *shown]}
    heads = head_statistics(rows, visible.sum(-1)[:, None])
    return AttentionRun(tokens, patterns, visible, rows, heads, likely, strings)


def stacked_statistics(layers: list[RowStatistics]) -> RowStatistics:
    """The statistics of every layer in one record; made layer by layer, which keeps the peak of memory low."""
    return RowStatistics(*(torch.stack([getattr(rows, f.name) for rows in layers]) for f in fields(RowStatistics)))

"""Attention run: one prompt through a model, and everything that the attention of that run says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.heads.layer_attention import KeptAttention, LayerAttention, attention_of_call
from headscope.interp.heads.pattern_summary import PatternSummary, pattern_summary
from headscope.interp.reading.hooked_model import Hook, HookedModel, head_layers
from headscope.interp.reading.next_tokens import NextTokens, nothing_predicted
from headscope.interp.reading.prompt import Prompt, answer_names, batch_of, logits_by_position
from headscope.interp.reading.watch import Progress
from headscope.interp.rows.head_statistics import HeadStatistics, head_statistics
from headscope.interp.rows.row_statistics import RowStatistics
from headscope.models.attention.table import leaves_mass
from headscope.models.hooked.patternless import patternless
from headscope.models.seam.hooked_kernel import visible_cells
from headscope.models.seam.watched_calls import Call, watched_calls


@dataclass(frozen=True)
class AttentionRun:
    """The attention of every layer on one prompt, and the statistics and predictions of every row.

    layers: queries and keys, from which any part of a pattern is made again; None has no heads. Parts of a pattern are
    asked for by `weights`: only short prompts have room for `patterns`. leaving_mass: the layers whose rows may keep
    weight from every token.
    """

    tokens: Prompt
    layers: tuple[LayerAttention | None, ...]
    n_heads: int
    summary: PatternSummary
    heads: HeadStatistics
    predictions: NextTokens
    prediction_strings: dict[int, str]
    leaving_mass: tuple[int, ...] = ()

    @property
    def rows(self) -> RowStatistics:
        """The statistics of every row of every head."""
        return self.summary.rows

    def weights(self, layer: int, head: int, rows: slice | None = None) -> Float[Tensor, "row key"]:
        """Signed weights of some rows of a head, over all keys; masked ones are 0."""
        count = len(self.tokens)
        attention, span = self.layers[layer], rows or slice(0, count)
        if attention is None:
            return torch.zeros(span.stop - span.start, count)
        weights = attention.weights(slice(head, head + 1), span)[0]
        return torch.nn.functional.pad(weights, (0, count - weights.shape[-1]))

    def visible_of(self, layer: int, rows: slice | None = None) -> Bool[Tensor, "row key"]:
        """Which keys some rows of a layer see."""
        count = len(self.tokens)
        attention, span = self.layers[layer], rows or slice(0, count)
        if attention is None:
            return torch.zeros(span.stop - span.start, count, dtype=torch.bool)
        visible = attention.visible(span)
        return torch.nn.functional.pad(visible, (0, count - visible.shape[-1]))

    @property
    def patterns(self) -> Float[Tensor, "layer head query key"]:
        """The patterns of all heads at once, made anew: memory grows with the square of the prompt."""
        layers = range(len(self.layers))
        return torch.stack([torch.stack([self.weights(at, head) for head in range(self.n_heads)]) for at in layers])

    @property
    def visible(self) -> Bool[Tensor, "layer query key"]:
        """Which cells a query may see, of all layers at once."""
        return torch.stack([self.visible_of(layer) for layer in range(len(self.layers))])


def attention_run(
    model: HookedModel,
    tokens: Prompt,
    predictions: int = 10,
    edits: Sequence[Hook] = (),
    watch: Progress = lambda *stage: None,
) -> AttentionRun:
    """Run a prompt once; keep its queries and keys on the CPU. Hooks are state: the caller lets one run in at a time.

    edits: hooks that change the run before it is read. Layers of `layers_with_patterns` keep their patterns instead.
    watch: told of every layer that was run and read; what it raises ends the run.

    Assumes hook_pattern is what multiplies the values, masked cells exactly 0, and hook_attn_scores is masked with −inf
    or the lowest number of its dtype, with the same mask in every head of a layer.
    """
    layers = KeptLayers(model.cfg.n_layers, head_layers(model), layers_with_patterns(model, edits), watch)
    with torch.no_grad(), patternless(), watched_calls(layers.keep_call):
        output = model.run_with_hooks(batch_of(model, [tokens]), fwd_hooks=[*edits, *layers.hooks()])
    [logits] = logits_by_position(model, output, [tokens])
    answers = tokens.predictions(logits.cpu(), predictions) if logits.numel() else nothing_predicted(len(logits))
    kept = layers.in_order()
    summary = pattern_summary(kept, model.cfg.n_heads, len(tokens), watch)
    heads = head_statistics(summary.rows, summary.visible_keys[:, None])
    shown = () if tokens.answers_by_position else tokens.known_answers
    name = answer_names(model)
    strings = {i: name(i) for i in [*answers.ids.unique().tolist(), *shown]}
    return AttentionRun(
        tokens, kept, model.cfg.n_heads, summary, heads, answers, strings, layers_that_leave_mass(model)
    )


def layers_that_leave_mass(model: HookedModel) -> tuple[int, ...]:
    """The layers whose rows may keep weight from every token; none of those whose mixers stand for heads."""
    variants = {
        at: layer.variant.name for at in head_layers(model) if (layer := model.blocks[at].attn.layer) is not None
    }
    return tuple(at for at, name in variants.items() if leaves_mass(name))


def layers_with_patterns(model: HookedModel, edits: Sequence[Hook] = ()) -> tuple[int, ...]:
    """The layers whose queries and keys do not tell their weights: of kernels that no one watches, or with own edits.

    Those are layers that form their pattern under `patternless` too (attention that is not the variant's, hooks on
    scores), and those with an edit anywhere in their attention.
    """
    edited = {layer for layer in head_layers(model) for name, _ in edits if name.startswith(f"blocks.{layer}.attn.")}
    return tuple(layer for layer in head_layers(model) if layer in edited or model.blocks[layer].attn.needs_pattern)


@dataclass
class KeptLayers:
    """The layers of a run as they come: from the calls that are watched, or from hooks on scores and pattern."""

    count: int
    with_heads: tuple[int, ...]
    with_pattern: tuple[int, ...]
    watch: Progress
    attention: dict[int, LayerAttention] = field(default_factory=dict[int, LayerAttention])

    def keep_call(self, call: Call) -> None:
        """Keep what a layer was given, unless its pattern is kept."""
        self.watch("running layers", call.layer, self.count)
        if call.layer not in self.with_pattern:
            self.attention[call.layer] = attention_of_call(call)

    def hooks(self) -> list[Hook]:
        """Hooks on the layers whose patterns are kept."""
        return [hook for layer in self.with_pattern for hook in self._hooks_of(layer)]

    def in_order(self) -> tuple[LayerAttention | None, ...]:
        """Every layer by its number. Raises KeyError for one with heads that did not run."""
        return tuple(self.attention[at] if at in self.with_heads else None for at in range(self.count))

    def _hooks_of(self, layer: int) -> list[Hook]:
        visible: list[Bool[Tensor, "query key"]] = []

        def keep_visible(scores: Float[Tensor, "1 head query key"], hook: object) -> None:
            visible.append(visible_cells(scores[0, 0]).cpu())

        def keep_pattern(pattern: Float[Tensor, "1 head query key"], hook: object) -> None:
            self.watch("running layers", layer, self.count)
            self.attention[layer] = KeptAttention(pattern[0].float().cpu().clone(), visible.pop())

        name = f"blocks.{layer}.attn"
        return [(f"{name}.hook_attn_scores", keep_visible), (f"{name}.hook_pattern", keep_pattern)]

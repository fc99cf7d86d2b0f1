"""Path patching: what one head's output at the last position is worth to the answer, through the MLPs alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.held_heads import Senders, held_heads
from headscope.interp.interventions.touched_run import ROWS
from headscope.interp.interventions.untouched_run import untouched_run
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt_pair import PromptPair, decision
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import Null
from headscope.interp.results.result import Result
from headscope.models.io.fields import Fields

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = 4
ABOUT = About(
    title="Path patching to the logits",
    unit="per cent of the logit difference",
    law="100 · (LD' − LD) / LD: a head's output at END is that of the corrupt prompt, other heads frozen, MLPs live",
    source="Wang et al. 2022 (arXiv 2211.00593), section 3.1; Lv et al. 2024 (arXiv 2411.07176)",
    null="the head's output from a random earlier position of the corrupt prompt in the place of that at END",
    plain="One head's output at the last position is taken from the corrupt prompt while all other heads are held. "
    "The answer moves by so many per cent: that head's own part in it.",
)


@dataclass(frozen=True, repr=False)
class PathPatching(Result):
    """Change of the mean logit difference by head; difference: that of each clean prompt, untouched.

    of: between which two tokens. pairs: target, distractor and corrupt prompt of each.
    """

    drawn_by = "interventions:path_patching_figure"

    change: Float[Tensor, "layer head"]
    change_null: Float[Tensor, "layer head"]
    change_null_spread: Float[Tensor, "layer head"]
    difference: Float[Tensor, "prompt"]
    of: str
    pairs: tuple[Fields, ...]

    def to_frame(self, field: str | None = None) -> "pd.DataFrame":
        """As of every result, with the two tokens."""
        return super().to_frame(field).assign(of=self.of)


def path_patching(
    model: HookedModel, pairs: Sequence[PromptPair], batch_size: int = ROWS, watch: Watch = watch_nothing
) -> PathPatching:
    """Every head as the sender, the final residual stream as the receiver; the pairs are of one length.

    Every head and prompt is run 1 + SAMPLES times, from its layer on and at END alone, where nothing else moves: as
    many in a forward pass as batch_size prompts have tokens. watch(done, total) counts layers. Hooks are state: the
    caller lets one run in at a time. Raises ValueError for no pair, pairs of several lengths, a mean difference of 0,
    and a model whose other layers move something from token to token too.
    """
    refuse_other_lengths(pairs)
    refuse_layers_without_heads(model)
    prompts = [pair.clean for pair in pairs]
    clean = untouched_run(model, prompts, batch_size)
    before = logit_differences_of_pairs(pairs, clean.last_logits)
    corrupt = untouched_run(model, [pair.corrupt for pair in pairs], batch_size).z
    if before.mean() == 0:
        raise ValueError("the mean logit difference of the clean prompts is 0, so no change is a share of it")
    held = held_heads(model, prompts, clean)
    n_layers, _, length, n_heads, _ = corrupt.shape
    places = torch.tensor([held.at, *earlier_places(length, held.at)])
    rows = torch.cartesian_prod(places, torch.arange(n_heads), torch.arange(len(pairs)))
    step = step_counter(watch, n_layers)

    def after(layer: int) -> Float[Tensor, "place head prompt"]:
        result = []
        for place, head, prompt in (some.unbind(-1) for some in rows.split(held.rows(batch_size))):
            logits = held.logits(layer, Senders(prompt, head, corrupt[layer, prompt, place, head]))
            result.append(logit_differences_of_pairs([pairs[i] for i in prompt.tolist()], logits))
        step()
        return torch.cat(result).view(len(places), n_heads, len(pairs))

    moved = torch.stack([after(layer) for layer in range(n_layers)], 1)
    change, *anywhere = 100 * (moved - before).mean(-1) / before.mean()
    drawn = torch.stack(anywhere)
    return path_patching_of(pairs, before, change, Null(drawn.mean(0), drawn.std(0, correction=0)))


def earlier_places(length: int, at: int) -> list[int]:
    """Positions drawn at random for the null, none of them `at` unless there is no other."""
    dice = torch.Generator().manual_seed(0)
    places = [int(torch.randint(max(length - 1, 1), (), generator=dice)) for _ in range(SAMPLES)]
    return [place + int(place >= at) if length > 1 else place for place in places]


def path_patching_of(
    pairs: Sequence[PromptPair],
    before: Float[Tensor, "prompt"],
    change: Float[Tensor, "layer head"],
    anywhere: Null,
) -> PathPatching:
    """The changes beside their null, with what is decided between."""
    return PathPatching(
        change,
        anywhere.mean,
        anywhere.spread,
        before,
        of=decision(pairs),
        pairs=tuple(pair.to_json() for pair in pairs),
        about=replace(ABOUT, title=f"{ABOUT.title}, {decision(pairs)}"),
    )


def refuse_layers_without_heads(model: HookedModel) -> None:
    """Raise ValueError for a hybrid, whose other layers move something from token to token too."""
    if len(with_heads := head_layers(model)) < model.cfg.n_layers:
        raise ValueError(
            f"path patching holds all heads, and only {len(with_heads)} of this model's {model.cfg.n_layers} layers "
            "have any: the others would not be held"
        )


def refuse_other_lengths(pairs: Sequence[PromptPair]) -> None:
    """Raise ValueError for no pair, and for pairs of several lengths."""
    lengths = sorted({len(pair.clean.ids) for pair in pairs})
    if len(lengths) != 1:
        raise ValueError(
            "path patching takes prompts of one length, at least one pair of them; these have "
            f"{' and '.join(map(str, lengths)) or 'no'} tokens"
        )
    if len({prompt.read_out for pair in pairs for prompt in (pair.clean, pair.corrupt)}) != 1:
        raise ValueError("path patching takes prompts that ask at one place: the mask stands elsewhere in some")


def logit_differences_of_pairs(
    pairs: Sequence[PromptPair], logits: Float[Tensor, "prompt vocab"]
) -> Float[Tensor, "prompt"]:
    """Of each pair, the logit of its target less that of its distractor."""
    return torch.stack([pair.difference(last[None]) for pair, last in zip(pairs, logits, strict=True)])

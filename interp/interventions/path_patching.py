"""Path patching: what one head's output at the last position is worth to the answer, through the MLPs alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.interventions.touched_run import ROWS, logits_of_rows
from headscope.interp.interventions.untouched_run import Z, untouched_run
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import last_logits_alone
from headscope.interp.reading.prompt_pair import PromptPair, decision
from headscope.interp.reading.watch import Watch, step_counter, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.nulls import Null, null_of
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

    Every head and prompt is run 1 + SAMPLES times, the senders of one layer together, at most batch_size rows in a
    forward pass; watch(done, total) counts the passes but for those of untouched prompts. Hooks are state: the caller
    lets one run in at a time. Raises ValueError for no pair, pairs of several lengths, a mean difference of 0, and a
    model whose other layers move something from token to token too.
    """
    refuse_other_lengths(pairs)
    refuse_layers_without_heads(model)
    runs = untouched_run(model, [pair.clean for pair in pairs], batch_size)
    clean, before = runs.z, logit_differences_of_pairs(pairs, runs.last_logits)
    corrupt = untouched_run(model, [pair.corrupt for pair in pairs], batch_size).z
    if before.mean() == 0:
        raise ValueError("the mean logit difference of the clean prompts is 0, so no change is a share of it")
    length, at = len(pairs[0].clean), pairs[0].clean.read_out
    n_layers, _, _, n_heads, _ = clean.shape
    rows = torch.cartesian_prod(torch.arange(n_heads), torch.arange(len(pairs))).split(batch_size)
    step = step_counter(watch, (1 + SAMPLES) * n_layers * len(rows))

    def after(layer: int, position: int) -> Iterator[Float[Tensor, "row"]]:
        for head, prompt in (some.unbind(-1) for some in rows):
            z = clean[:, prompt]
            z[layer, torch.arange(len(prompt)), at, head] = corrupt[layer, prompt, position, head]
            some_pairs = [pairs[i] for i in prompt.tolist()]
            yield logit_differences_of_pairs(some_pairs, given_logits(model, some_pairs, z))
            step()

    def change(position: int) -> Float[Tensor, "layer head"]:
        result = torch.stack([torch.cat(list(after(layer, position))) for layer in range(n_layers)])
        return 100 * (result.unflatten(1, (n_heads, -1)) - before).mean(-1) / before.mean()

    def elsewhere(dice: torch.Generator) -> int:
        place = int(torch.randint(max(length - 1, 1), (), generator=dice))
        return place + int(place >= at % length) if length > 1 else place

    anywhere = null_of(lambda dice: change(elsewhere(dice)), SAMPLES)
    return path_patching_of(pairs, before, change(at), anywhere)


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


def given_logits(
    model: HookedModel, pairs: Sequence[PromptPair], z: Float[Tensor, "layer row pos head d_head"]
) -> Float[Tensor, "row vocab"]:
    """Logits of the answer to each clean prompt, what the heads of all layers mix being given."""
    hooks = [(f"blocks.{layer}.{Z}", partial(_put, value=item)) for layer, item in enumerate(z)]
    clean, ids = pairs[0].clean, torch.tensor([pair.clean.ids for pair in pairs])
    return logits_of_rows(model, ids, hooks, clean, **last_logits_alone(clean))[:, -1]


def _put(
    mixed: Float[Tensor, "row pos head d_head"], hook: object, value: Float[Tensor, "row pos head d_head"]
) -> Float[Tensor, "row pos head d_head"]:
    return value.to(mixed)


def logit_differences_of_pairs(
    pairs: Sequence[PromptPair], logits: Float[Tensor, "prompt vocab"]
) -> Float[Tensor, "prompt"]:
    """Of each pair, the logit of its target less that of its distractor."""
    return torch.stack([pair.difference(last[None]) for pair, last in zip(pairs, logits, strict=True)])

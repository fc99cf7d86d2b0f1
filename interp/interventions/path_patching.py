"""Path patching: what one head's output at the last position is worth to the answer, through the MLPs alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.about import About
from interp.activations import gather
from interp.attribution.prompt_pair import PromptPair
from interp.hooked_model import HookedModel
from interp.nulls import null_of
from interp.result import Result

Z = "attn.hook_z"
SAMPLES = 4
ABOUT = About(
    title="Path patching to the logits",
    unit="per cent of the logit difference",
    law="100 · (LD' − LD) / LD: a head's output at END is that of the corrupt prompt, other heads frozen, MLPs live",
    source="Wang et al. 2022 (arXiv 2211.00593), section 3.1; Lv et al. 2024 (arXiv 2411.07176)",
    null="the head's output from a random position of the corrupt prompt in the place of that at END",
)


@dataclass(frozen=True, repr=False)
class PathPatching(Result):
    """Change of the mean logit difference by head; difference: that of each clean prompt, untouched."""

    change: Float[Tensor, "layer head"]
    change_null: Float[Tensor, "layer head"]
    change_null_spread: Float[Tensor, "layer head"]
    difference: Float[Tensor, "prompt"]


def path_patching(model: HookedModel, pairs: Sequence[PromptPair]) -> PathPatching:
    """Every head as the sender, the final residual stream as the receiver; the pairs are of one length.

    Runs the model 1 + SAMPLES times per head. Hooks are state: the caller lets one run in at a time. Raises ValueError
    for no pair, for pairs of several lengths and for a mean difference of 0.
    """
    runs = gather(model, [*(pair.clean for pair in pairs), *(pair.corrupt for pair in pairs)], [Z])
    kept, sent = torch.stack([run[Z] for run in runs], 1).split(len(pairs), 1)
    before = differences(pairs, torch.stack([run.logits[-1] for run in runs[: len(pairs)]]))
    if before.mean() == 0:
        raise ValueError("the mean logit difference of the clean prompts is 0, so no change is a share of it")
    ids = torch.tensor([pair.clean.ids for pair in pairs], device=next(iter(model.parameters())).device)
    n_layers, _, _, n_heads, _ = kept.shape

    def change(position: int) -> Float[Tensor, "layer head"]:
        senders = torch.cartesian_prod(torch.arange(n_layers), torch.arange(n_heads)).tolist()
        after = torch.stack(
            [
                differences(pairs, patched_logits(model, ids, kept, (layer, head), sent[layer, :, position, head]))
                for layer, head in senders
            ]
        )
        return (100 * (after - before).mean(-1) / before.mean()).unflatten(0, (n_layers, n_heads))

    anywhere = null_of(lambda dice: change(int(torch.randint(ids.shape[1], (), generator=dice))), SAMPLES)
    return PathPatching(change(-1), anywhere.mean, anywhere.spread, before, about=ABOUT)


@torch.no_grad()
def patched_logits(
    model: HookedModel,
    ids: Int[Tensor, "prompt pos"],
    z: Float[Tensor, "layer prompt pos head d_head"],
    sender: tuple[int, int],
    output: Float[Tensor, "prompt d_head"],
) -> Float[Tensor, "prompt vocab"]:
    """Logits after the last position, what all heads mixed being z but for the sender's there, which is the output."""
    layer, head = sender
    patched = z[layer].clone()
    patched[:, -1, head] = output
    given = [*z[:layer], patched, *z[layer + 1 :]]
    hooks = [(f"blocks.{place}.{Z}", partial(_put, given=one)) for place, one in enumerate(given)]
    return model.run_with_hooks(ids, fwd_hooks=hooks)[:, -1].float().cpu()


def _put(
    mixed: Float[Tensor, "prompt pos head d_head"], hook: object, given: Float[Tensor, "prompt pos head d_head"]
) -> Float[Tensor, "prompt pos head d_head"]:
    return given.to(mixed)


def differences(pairs: Sequence[PromptPair], logits: Float[Tensor, "prompt vocab"]) -> Float[Tensor, "prompt"]:
    """Of each pair, the logit of its target less that of its distractor."""
    return torch.stack([pair.difference(last[None]) for pair, last in zip(pairs, logits, strict=True)])

"""Path cancellation: how much of what reaches the last token is undone on the way by paths of the other sign."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.contribution_weights import contribution_weights
from headscope.interp.collapse.paths import from_last
from headscope.interp.results.about import About
from headscope.interp.results.nulls import Null, null_of, shuffled_signs
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

SAMPLES = 4
MIRRORED = ("signed", "cancellation", "cancellation_null", "cancellation_null_spread")
ABOUT = About(
    title="Path cancellation",
    unit="share of absolute paths",
    law="1 − |P_sgn| / P_abs; last rows of P_abs = Π (mean_h |A_h| + I) and P_sgn = Π (mean_h A_h + I); "
    "of contributions: the same with Σ_h c_h, c = ⟨A v W_O, o⟩ / Σ|⟨A v W_O, o⟩|",
    source="headscope",
    null="the signs of each row dealt anew",
    by_gauge={"odd": MIRRORED, "scale": ("absolute", *MIRRORED)},
    plain=Sentence(
        "Information reaches the {last} over many paths through heads and layers. With negative weights paths "
        "of opposite sign cancel; this is the share that does, by the {token} where the paths begin."
    ),
)


@dataclass(frozen=True, repr=False)
class PathCancellation(Result):
    """Paths from every token to the last one, over heads and skips of all layers, MLPs left out.

    A path has the product of its weights; P_abs sums magnitudes and P_sgn the signed products, so that cancellation
    is in [0, 1]: 0 where all paths of a token have one sign, as for every non-negative kernel, and where none leads.
    A head of an odd kernel has no sign of its own for its weights, (W_Q, W_V) → (−W_Q, −W_V) flips them: the
    cancellation of weights depends on that choice. The cancellation of contributions does not (see
    contribution_weights), and may be above 0 for softmax: OV circuits subtract too.
    """

    drawn_by = "collapse:path_cancellation_figure"

    contribution_cancellation: Float[Tensor, "pos"]
    contribution_cancellation_null: Float[Tensor, "pos"]
    contribution_cancellation_null_spread: Float[Tensor, "pos"]
    contribution_absolute: Float[Tensor, "pos"]
    contribution_signed: Float[Tensor, "pos"]
    cancellation: Float[Tensor, "pos"]
    cancellation_null: Float[Tensor, "pos"]
    cancellation_null_spread: Float[Tensor, "pos"]
    absolute: Float[Tensor, "pos"]
    signed: Float[Tensor, "pos"]


def path_cancellation(
    pattern: Float[Tensor, "layer head query key"],
    values: Float[Tensor, "layer key kv_head d_head"],
    W_O: Float[Tensor, "layer head d_head d_model"],
    tokens: Sequence[str] = (),
) -> PathCancellation:
    """Both readings of a prompt. values: hook_v, as mixed. Exact zeros of the pattern are no paths."""
    result = {"": pattern / pattern.shape[1], "contribution_": contribution_weights(pattern, values, W_O)}
    fields: dict[str, Tensor] = {}
    for kind, weights in result.items():
        null = null_cancellation(weights)
        fields[f"{kind}absolute"], fields[f"{kind}signed"] = absolute(weights), signed(weights)
        fields[f"{kind}cancellation"] = cancellation(weights)
        fields[f"{kind}cancellation_null"], fields[f"{kind}cancellation_null_spread"] = null.mean, null.spread
    return PathCancellation(**fields, about=ABOUT, labels={"pos": tuple(tokens)} if tokens else {})


def absolute(weights: Float[Tensor, "layer head query key"]) -> Float[Tensor, "key"]:
    """P_abs towards the last token; heads add up."""
    return from_last(weights.abs().double().sum(1))


def signed(weights: Float[Tensor, "layer head query key"]) -> Float[Tensor, "key"]:
    """P_sgn towards the last token; heads add up."""
    return from_last(weights.double().sum(1))


def cancellation(weights: Float[Tensor, "layer head query key"]) -> Float[Tensor, "key"]:
    """1 − |P_sgn| / P_abs, 0 where no path leads."""
    paths = absolute(weights)
    none = paths == 0
    return (1 - signed(weights).abs() / paths.masked_fill(none, 1)).masked_fill(none, 0).clamp(min=0)


def null_cancellation(weights: Float[Tensor, "layer head query key"]) -> Null:
    """The same where the signs of each row are dealt anew; weights of one sign have one deal."""
    mixed = [bool((layer < 0).any() and (layer > 0).any()) for layer in weights]

    def dealt(dice: torch.Generator) -> Float[Tensor, "key"]:
        layers = zip(weights, mixed, strict=True)
        return cancellation(torch.stack([shuffled_signs(layer, dice) if both else layer for layer, both in layers]))

    return null_of(dealt, samples=SAMPLES if any(mixed) else 1)

"""Rows of exponentials: the numbers of weights e^x / Σ e^x from a few sums of each row, no weight being divided.

Numerators e^(x − m) are over their row's largest, whose own 1 is left out of every sum: where it outweighs the others,
what they are would be lost in 1 − b.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from headscope.interp.rows.measures import mean_distance
from headscope.interp.rows.strip_scores import OfRows, StripScores, Weights, distance_back
from headscope.models.attention.largest import largest_entries

Sums = Mapping[str, Tensor]


def sharpness_sums(exponents: Weights, strip: StripScores, top: int = 1) -> dict[str, Tensor] | None:
    """Σ e, Σ e (x − m), Σ e², Σ e³ of each row without the largest, its key, and the sum of the `top` largest e.

    Exponents are overwritten, and -inf where a key is hidden; None where a row has no finite largest one.
    """
    values, places = largest_entries(exponents, min(top, exponents.shape[-1]))
    largest, first = values.max(-1, keepdim=True)
    if not math.isfinite(float(largest.sum())):
        return None
    peak = places.gather(-1, first)
    strip.hidden.cleared(exponents.sub_(largest))  # the exponential of an infinity takes several times as long
    numerators = strip.hidden.cleared(torch.exp(exponents, out=strip.scratch.like("numerators", exponents)))
    numerators.scatter_(-1, peak, 0.0)
    nats = exponents.mul_(numerators).sum(-1)
    squares = torch.mul(numerators, numerators, out=exponents).sum(-1)
    return {
        "others": numerators.sum(-1),
        "nats": nats,
        "squares": squares,
        "cubes": exponents.mul_(numerators).sum(-1),
        "top": (values - largest).exp_().sum(-1),
        "peak": peak.squeeze(-1),
    }


def place_sums(sums: Sums, strip: StripScores, signs: Weights | None) -> dict[str, Tensor]:
    """Where the numerators of sharpness_sums are, which strip.scratch still holds, and what they come to with signs."""
    numerators = strip.scratch.like("numerators", strip.scores)
    distance = (
        distance_back(numerators, strip.position, sums["others"])
        if strip.causal
        else mean_distance(numerators, strip.position)
    )
    result = {
        "distance": distance,
        "diagonal": on_diagonal(numerators, strip.first),
        "previous": on_diagonal(numerators, strip.first - 1),
        "first": numerators[..., 0].clone(),  # the memory is used again
    }
    if signs is not None:
        of_peak = signs.gather(-1, sums["peak"][..., None]).squeeze(-1).sign_()
        result["signed"] = of_peak.add_(numerators.copysign_(signs).sum(-1))
    return result


def on_diagonal(x: Weights, key: int) -> OfRows:
    """The entry of the first row at a key, of the second at the next, and so on; 0 before the first key."""
    line = x.diagonal(key, -2, -1)
    return pad(line, (x.shape[-2] - line.shape[-1], 0))


def sharpness_of_sums(sums: Sums, visible_keys: Int[Tensor, "*rows"]) -> dict[str, Float[Tensor, "*rows"]]:
    """How evenly the weights are spread, how large they are, and how they answer to their exponents."""
    total, squares = 1 + sums["others"], 1 + sums["squares"]
    n, participation = visible_keys.to(total.dtype), total.square() / squares
    entropy = total.log() - sums["nats"] / total
    return {
        "entropy": entropy,
        "normalised_entropy": entropy / n.log(),
        "participation": participation,
        "spikiness": participation / n,
        "row_norm": squares.sqrt() / total,
        "jacobian_norm": slope_of_sums(sums, total),
    }


def slope_of_sums(sums: Sums, total: Float[Tensor, "*rows"]) -> Float[Tensor, "*rows"]:
    """‖∂b/∂x‖_F, as headscope.models.attention.jacobian has it: the largest weight apart from the others."""
    peak, rest = 1 / total, sums["squares"] / total.square()
    of_peak = peak.square() * ((sums["others"] * peak).square() + rest)
    return (of_peak + (1 + peak.square() + rest) * rest - 2 * sums["cubes"] / total.pow(3)).sqrt()


def places_of_sums(sums: Sums, position: Int[Tensor, "query"]) -> dict[str, Float[Tensor, "*rows"]]:
    """Where the weights are, and which sign they have."""
    total, peak = 1 + sums["others"], sums["peak"]
    signed = sums["signed"] / total if "signed" in sums else torch.ones_like(total)
    keys = {"diagonal": position, "previous": position - 1, "first": torch.zeros_like(position)}
    shares = {name: sums[name].masked_fill(peak == key, 1.0) / total for name, key in keys.items()}
    return {
        "top_mass": sums["top"] / total,
        "max_share": 1 / total,
        "negative_mass": (1 - signed) / 2,
        "signed_sum": signed,
        "mean_distance": (sums["distance"] + (position - peak).abs()) / total,
        "diagonal_mass": shares["diagonal"],
        "previous_token_mass": shares["previous"],
        "first_token_mass": shares["first"],
    }

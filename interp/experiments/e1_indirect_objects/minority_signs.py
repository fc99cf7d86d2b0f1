"""Minority signs: how much of what heads delete comes from weights of the sign that each head has less of."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Setting
from headscope.interp.arms.trial import Numbers
from headscope.interp.deletion.quadrants import QUADRANTS, QuadrantMasses, masses_with_nulls
from headscope.interp.deletion.rows import own_ov_terms
from headscope.interp.deletion.scales import scale_to_logits
from headscope.interp.reading.activations import PATTERN, Activations

DELETES = [QUADRANTS.index(name) for name in ("OV deletion", "weight deletion")]  # by weights above 0, and below


@dataclass(frozen=True)
class SignedDeletion:
    """Σ over prompts of some layers: abs(A), and abs(C) of contributions below 0, by the sign of the weight, + first.

    dealt: the exact mean of `deletion` over all deals of the signs of every row.
    """

    weight: Float[Tensor, "layer head sign"]
    deletion: Float[Tensor, "layer head sign"]
    dealt: Float[Tensor, "layer head sign"]


def minority_numbers(setting: Setting, runs: Sequence[Activations], layers: list[int]) -> Numbers:
    """The share of some layers' deletion by minority signs, over all prompts, as it is and with signs dealt anew."""
    whole = signed_deletion([signed_deletion_of_prompt(setting, run, layers) for run in runs])
    return {
        "minority_deletion": minority_share(whole.weight, whole.deletion),
        "minority_deletion_null": minority_share(whole.weight, whole.dealt),
    }


def signed_deletion_of_prompt(setting: Setting, run: Activations, layers: list[int]) -> SignedDeletion:
    """What the heads of some layers delete on a prompt."""
    pattern = run[PATTERN][layers]
    masses = masses_with_nulls(pattern, own_ov_terms(setting, run)[layers], scale_to_logits(run)[layers])
    weight = torch.stack([pattern.clamp(min=0), -pattern.clamp(max=0)], -1).sum((2, 3))
    return SignedDeletion(weight, masses.mass[..., DELETES], dealt_deletion(masses))


def dealt_deletion(masses: QuadrantMasses) -> Float[Tensor, "layer head sign"]:
    """The mean of deletion by either sign over all deals, which leave Σ abs(C) as it is."""
    whole = masses.mass.sum(-1, keepdim=True)
    return (masses.null_mean[..., DELETES] * whole).where(whole > 0, 0.0)


def signed_deletion(prompts: Sequence[SignedDeletion]) -> SignedDeletion:
    """Σ over prompts."""
    names = ("weight", "deletion", "dealt")
    return SignedDeletion(*(torch.stack([getattr(item, name) for item in prompts]).sum(0) for name in names))


def minority_share(weight: Float[Tensor, "layer head sign"], deletion: Float[Tensor, "layer head sign"]) -> float:
    """The share of all deletion by weights of each head's minority sign, that with less Σ abs(A).

    NaN where nothing is deleted. A mirrored head, (W_Q, W_V) → −(W_Q, W_V), has the other minority sign and the same
    share.
    """
    minority = weight.argmin(-1, keepdim=True)
    return float(deletion.gather(-1, minority).sum() / deletion.sum())

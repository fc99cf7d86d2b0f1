"""The rows of the table of analyses that are about deletion and copying."""

from collections.abc import Sequence
from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.deletion.contributions import Contributions, contributions, ov_terms
from headscope.interp.deletion.decision_plane import DecisionPlane, decision_plane
from headscope.interp.deletion.gates import gated_weights
from headscope.interp.deletion.negative_mass import NegativeMass, negative_mass
from headscope.interp.deletion.of_head import PATTERN, VALUES, Z, own_unembeddings, scatter_of_tokens
from headscope.interp.deletion.quadrants import (
    QuadrantMasses,
    Quadrants,
    masses_with_nulls,
    quadrant_masses,
    quadrants_of_masses,
)
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.reading.activations import GATE, NORM_AFTER, SCORES, Activations

NO_LOGIT = "asks what a head does to the logit of each token that it reads, and a patch has none of its own"
OV_TO_LOGITS = ("W_O", "W_U")
NEEDS = (PATTERN, VALUES, GATE, *SCALES)


def own_ov_terms(setting: Setting, run: Activations) -> Float[Tensor, "layer head key"]:
    """The OV term of every token of the prompt towards its own logit."""
    return ov_terms(run[VALUES], setting.weights.W_O, own_unembeddings(setting, run))


def own_weights(setting: Setting, run: Activations) -> Float[Tensor, "layer head query key"]:
    """The weights of every head, with what its gate lets through towards each token's own logit."""
    return gated_weights(run[PATTERN], run[GATE], run[VALUES], setting.weights.W_O, own_unembeddings(setting, run))


def deletion_masses(setting: Setting, run: Activations) -> QuadrantMasses:
    """What the quadrants of a prompt are made of."""
    return masses_with_nulls(own_weights(setting, run), own_ov_terms(setting, run), scale_to_logits(run))


def deletion(setting: Setting, run: Activations, parts: Sequence[QuadrantMasses]) -> Quadrants:
    """The quadrants of a prompt."""
    return quadrants_of_masses(parts)


def plane(setting: Setting, run: Activations) -> DecisionPlane:
    """The decision plane of a prompt."""
    return decision_plane(own_weights(setting, run), own_ov_terms(setting, run), scale_to_logits(run))


def mass(setting: Setting, run: Activations) -> NegativeMass:
    """The negative mass of a prompt's patterns."""
    assert run.visible is not None  # gathered with the scores, which the row needs
    return negative_mass(run[PATTERN], run.visible)


def strongest_head(setting: Setting, run: Activations) -> tuple[float, Contributions]:
    """The largest Σ|C| of a head, and its contributions."""
    ov, scale, weights = own_ov_terms(setting, run), scale_to_logits(run), own_weights(setting, run)
    total = quadrant_masses(weights, ov, scale).sum(-1).nan_to_num()
    head = divmod(int(total.argmax()), total.shape[1])
    result = contributions(weights, ov, scale, [head], run.tokens.strings)
    labels = {**result.labels, "head": (f"L{run.head_layers[head[0]]}H{head[1]}",)}
    return float(total.max()), replace(result, labels=labels)


def strongest_head_contributions(
    setting: Setting, run: Activations, parts: Sequence[tuple[float, Contributions]]
) -> Contributions:
    """The contributions of the head with the largest Σ|C|, of the strongest ones of layers."""
    return max(parts, key=lambda part: part[0])[1]


ROWS = (
    Analysis(
        "deletion",
        "How much each head copies and deletes the tokens it reads.",
        NEEDS,
        ByLayer(deletion_masses, deletion),
        version=2,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
        telling={"net_copy": 1},
        followed={"net_copy": 2},
        row_laws="any: a weight counts with its sign, and what goes into nothing adds nothing",
    ),
    Analysis(
        "decision_plane",
        "Whether the weights or the OV circuit decide between copying and deletion.",
        NEEDS,
        ByLayer(plane),
        version=2,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
        telling={"dynamic": 2, "static": 8},
        row_laws="any, as deletion",
    ),
    Analysis(
        "negative_mass",
        "How much attention subtracts, and how much cancels.",
        (PATTERN, SCORES),
        ByLayer(mass),
        per_head=True,
        telling={"minority_mass": 7},
        followed={"minority_mass": 1},
        of_signs=("negative_mass", "minority_mass", "cancellation"),
        first="minority_mass",
        row_laws="any: shares of Σ|a|, which are 0 where no weight is negative",
    ),
    Analysis(
        "contributions",
        "What the strongest head adds to the logit of each token that it attends to.",
        NEEDS,
        ByLayer(strongest_head, strongest_head_contributions),
        version=2,
        over_tokens=True,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        row_laws="any, as deletion",
    ),
    Analysis(
        "attention_contribution",
        "Whether a head raises a token's logit as much as the last position attends to that token.",
        (PATTERN, Z, NORM_AFTER),
        ByLayer(scatter_of_tokens),
        over_tokens=True,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
        row_laws="any, as deletion",
    ),
)

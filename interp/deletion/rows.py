"""The rows of the table of analyses that are about deletion and copying."""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Analysis, Setting
from headscope.interp.deletion.contributions import Contributions, contributions, ov_terms
from headscope.interp.deletion.decision_plane import DecisionPlane, decision_plane
from headscope.interp.deletion.negative_mass import NegativeMass, negative_mass
from headscope.interp.deletion.of_head import PATTERN, VALUES, Z, scatter_of_tokens
from headscope.interp.deletion.quadrants import Quadrants, quadrant_masses, quadrants
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.reading.activations import NORM_AFTER, SCORES, Activations
from headscope.interp.reading.prompt import text_alone

NO_LOGIT = "asks what a head does to the logit of each token that it reads, and a patch has none of its own"
OV_TO_LOGITS = ("W_O", "W_U")
NEEDS = (PATTERN, VALUES, *SCALES)


def own_ov_terms(setting: Setting, run: Activations) -> Float[Tensor, "layer head key"]:
    """The OV term of every token of the prompt towards its own logit."""
    return ov_terms(run[VALUES], setting.weights.W_O, setting.weights.W_U_centred[:, list(text_alone(run.tokens).ids)])


def deletion(setting: Setting, run: Activations) -> Quadrants:
    """The quadrants of a prompt."""
    return quadrants(run[PATTERN], own_ov_terms(setting, run), scale_to_logits(run))


def plane(setting: Setting, run: Activations) -> DecisionPlane:
    """The decision plane of a prompt."""
    return decision_plane(run[PATTERN], own_ov_terms(setting, run), scale_to_logits(run))


def mass(setting: Setting, run: Activations) -> NegativeMass:
    """The negative mass of a prompt's patterns."""
    assert run.visible is not None  # gathered with the scores, which the row needs
    return negative_mass(run[PATTERN], run.visible)


def strongest_head_contributions(setting: Setting, run: Activations) -> Contributions:
    """The contributions of the head with the largest Σ|C|."""
    ov, scale = own_ov_terms(setting, run), scale_to_logits(run)
    total = quadrant_masses(run[PATTERN], ov, scale).sum(-1).nan_to_num()
    head = divmod(int(total.argmax()), total.shape[1])
    result = contributions(run[PATTERN], ov, scale, [head], run.tokens.strings)
    return replace(result, labels={**result.labels, "head": (f"L{run.head_layers[head[0]]}H{head[1]}",)})


ROWS = (
    Analysis(
        "deletion",
        "How much each head copies and deletes the tokens it reads.",
        NEEDS,
        deletion,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
        telling={"net_copy": 1},
        followed={"net_copy": 2},
    ),
    Analysis(
        "decision_plane",
        "Whether the weights or the OV circuit decide between copying and deletion.",
        NEEDS,
        plane,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
        telling={"dynamic": 2, "static": 8},
    ),
    Analysis(
        "negative_mass",
        "How much attention subtracts, and how much cancels.",
        (PATTERN, SCORES),
        mass,
        per_head=True,
        telling={"minority_mass": 7},
        followed={"minority_mass": 1},
        of_signs=("negative_mass", "minority_mass", "cancellation"),
        first="minority_mass",
    ),
    Analysis(
        "contributions",
        "What the strongest head adds to the logit of each token that it attends to.",
        NEEDS,
        strongest_head_contributions,
        over_tokens=True,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
    ),
    Analysis(
        "attention_contribution",
        "Whether a head raises a token's logit as much as the last position attends to that token.",
        (PATTERN, Z, NORM_AFTER),
        scatter_of_tokens,
        over_tokens=True,
        matrices=OV_TO_LOGITS,
        text_only=NO_LOGIT,
        own_logits=True,
        per_head=True,
    ),
)

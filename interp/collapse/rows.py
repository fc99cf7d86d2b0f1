"""The rows of the table of analyses that are about collapse of the residuals of one prompt, and about paths."""

from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.collapse.cancellation import PathCancellation, path_cancellation
from headscope.interp.collapse.massive import MassiveActivations, massive_activations
from headscope.interp.collapse.paths import PathBound, path_bound
from headscope.interp.collapse.residual import (
    ResidualGeometry,
    ResidualNorms,
    residual_geometry,
    residual_norms,
    residual_stream,
)
from headscope.interp.collapse.sinks import Sinks, sinks
from headscope.interp.reading.activations import MIXING, PATTERN, SCORES, Activations
from headscope.interp.reading.prompt import Prompt
from headscope.models.attention.table import leaves_mass

VALUES = "attn.hook_v"
STREAM = ("hook_resid_pre", "hook_resid_post")


def stream_of(run: Activations) -> Float[Tensor, "depth pos d_model"]:
    """The residual stream of a prompt."""
    return residual_stream(*(run[name] for name in STREAM))


def seen(run: Activations) -> Bool[Tensor, "layer query key"]:
    """Which keys each query sees."""
    if run.visible is None:
        raise ValueError(f"{SCORES} was not gathered, which says what each query sees; gather it too")
    return run.visible


def geometry(setting: Setting, run: Activations) -> ResidualGeometry:
    """The geometry of a prompt's residuals."""
    return residual_geometry(stream_of(run))


def prompt_residual_norms(setting: Setting, run: Activations) -> ResidualNorms:
    """The norms of a prompt's residuals."""
    return residual_norms(stream_of(run), run.tokens.strings)


def massive(setting: Setting, run: Activations) -> MassiveActivations:
    """The largest entries of a prompt's residuals."""
    return massive_activations(stream_of(run), run.tokens.strings)


def prompt_sinks(setting: Setting, run: Activations) -> Sinks:
    """The sinks of a prompt."""
    leaves = [leaves_mass(setting.facts.layer_variants[layer]) for layer in run.head_layers]
    return sinks(run[PATTERN], seen(run), leaves_mass=leaves)


def cancelled(setting: Setting, run: Activations) -> PathCancellation:
    """The path cancellation of a prompt."""
    order = answer_last(run.tokens)
    pattern, values = run[MIXING][:, :, order][..., order], run[VALUES][:, order]
    return path_cancellation(pattern, values, setting.weights.W_O, reordered_tokens(run.tokens, order))


def prompt_path_bound(setting: Setting, run: Activations) -> PathBound:
    """The path bound of a prompt, with β = 1."""
    order = answer_last(run.tokens)
    pattern, visible = run[MIXING][:, :, order][..., order], seen(run)[:, order][..., order]
    return path_bound(pattern, visible, reordered_tokens(run.tokens, order))


def answer_last(prompt: Prompt) -> list[int]:
    """The places of the tokens, the one whose residual becomes logits at the end: paths lead to the last."""
    places = list(range(len(prompt)))
    last = places.pop(prompt.read_out)
    return [*places, last]


def reordered_tokens(prompt: Prompt, order: list[int]) -> tuple[str, ...]:
    """The tokens in another order."""
    return tuple(prompt.strings[place] for place in order)


ROWS = (
    Analysis(
        "residual_geometry",
        "How alike the residuals of different {tokens} are, by layer.",
        STREAM,
        geometry,
        followed={"mean_cosine": 4},
    ),
    Analysis(
        "residual_norms",
        "How long the residual of every {token} is, by layer.",
        STREAM,
        prompt_residual_norms,
        over_tokens=True,
    ),
    Analysis(
        "massive_activations",
        "The few entries of the residual stream that dwarf all others.",
        STREAM,
        massive,
        over_tokens=True,
    ),
    Analysis(
        "sinks",
        "Which heads leave their weight on the {first}, on another {token}, or on none.",
        (PATTERN, SCORES),
        ByLayer(prompt_sinks),
        per_head=True,
        version=2,
        followed={"share": 5},
        row_laws="any: shares of Σ|a|; what a sub-stochastic row gives to nothing stands apart",
    ),
    Analysis(
        "path_cancellation",
        "How much of what reaches the {last} is undone on the way.",
        (MIXING, VALUES),
        cancelled,
        over_tokens=True,
        by_heads_alone=True,
        matrices=("W_O",),
        row_laws="any: signed paths against their magnitudes, which are alike where no weight is negative",
    ),
    Analysis(
        "path_bound",
        "How much each {token} can reach the {last_one}, by the magnitudes of attention.",
        (MIXING, SCORES),
        prompt_path_bound,
        over_tokens=True,
        by_heads_alone=True,
        row_laws="any: magnitudes",
    ),
)

"""Over-squashing: how much the last token's output depends on the embedding of every token, by derivatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedModel

from headscope.interp.collapse.output_of_embeddings import OutputOfEmbeddings, output_of_embeddings
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, prompt_of
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ROWS = 16
SMALL = 256  # up to this d_model all outputs are pulled back
DIRECTIONS = 16  # of the outputs, at random, that are pulled back above it
ABOUT = About(
    title="Over-squashing",
    unit="1",
    law=Sentence(
        "‖∂y_t/∂x_i‖_F of the d_model × d_model block, y the final norm's output at {token} t, x_i the embedding of i"
    ),
    source="Barbero et al. 2024 (arXiv 2406.04267), section 5",
    null=Sentence("every {token} of equal influence: the root mean square over the {tokens} up to t"),
    plain=Sentence(
        "How much the {last_output} would move if one {token}'s embedding moved a little: what the model can still hear"
        " of every {token}."
    ),
)


@dataclass(frozen=True, repr=False)
class Squashing(Result):
    """The influence of every token on one output; tokens after it have exactly 0. No change of gauge touches it.

    An embedding near 0 has a very large norm: the first RMSNorm divides by its size. norm_error: the standard error of
    an estimate, 0 where the derivatives are exact. position: t, the token whose output is read.
    """

    drawn_by = "collapse:squashing_figure"

    norm: Float[Tensor, "pos"]
    norm_null: Float[Tensor, "pos"]
    norm_error: Float[Tensor, "pos"]
    position: int


def squashing(
    model: HookedModel | PreTrainedModel,
    ids: Sequence[int] | Prompt,
    tokens: Sequence[str] = (),
    *,
    position: int = -1,
    rows: int = ROWS,
    exact: bool | None = None,
    watch: Watch = watch_nothing,
) -> Squashing:
    """Exact, by one backward pass per `rows` of the d_model outputs; memory grows with rows, the number does not.

    exact=False: an estimate by one forward pass and DIRECTIONS backward passes of one prompt, with its error; None:
    that above a d_model of SMALL. model: hooked (a TransformerBridge) or a plain Hugging Face decoder, in eval mode;
    for an image hooked. A signed kernel's jump at a score of 0 has no derivative and is not seen. watch(done, total)
    counts the outputs, or directions, that were pulled back. Raises ValueError for no token and for a position outside
    them.
    """
    at = position_from_start(position, len(ids))
    if rows < 1:
        raise ValueError(f"{rows} rows at once were asked for; ask for one at least")
    d_model = model.config.hidden_size if isinstance(model, PreTrainedModel) else model.cfg.d_model
    is_exact = d_model <= max(SMALL, DIRECTIONS) if exact is None else exact
    run = output_of_embeddings(model, ids, at, rows if is_exact else 1)
    probes = torch.eye(d_model) if is_exact else random_directions(d_model)
    influence = influence_of(squares_of(run, probes, watch), d_model)
    return squashing_with_null(influence, at, tokens, seen_from(at, ids))


@dataclass(frozen=True)
class Influence:
    """‖∂y/∂x_i‖_F of every position, and the standard error of an estimate."""

    norm: Float[Tensor, "pos"]
    error: Float[Tensor, "pos"]


def random_directions(d_model: int) -> Float[Tensor, "direction d_model"]:
    """Orthonormal directions of the output, the same in every call; all of them where there are no more."""
    drawn = torch.randn(d_model, min(DIRECTIONS, d_model), generator=torch.Generator().manual_seed(0))
    return torch.linalg.qr(drawn).Q.T


def influence_of(squares: Float[Tensor, "probe pos"], d_model: int) -> Influence:
    """From ‖probeᵀ ∂y/∂x_i‖² of orthonormal probes: d_model times their mean estimates ‖∂y/∂x_i‖_F², without bias.

    A frame of all directions gives the sum itself; the fewer are drawn of it, the larger the error.
    """
    count = len(squares)
    norm = (squares.mean(0) * d_model).sqrt()
    share = max(0.0, 1 - count / d_model) / count
    error = d_model * squares.std(0) * share**0.5 / (2 * norm)
    return Influence(norm, error.where(norm > 0, 0.0))


def squashing_with_null(influence: Influence, at: int, tokens: Sequence[str], seen: Bool[Tensor, "pos"]) -> Squashing:
    """The result beside its null."""
    norm, error = influence.norm, influence.error
    null = norm[seen].square().mean().sqrt() * seen
    return Squashing(norm, null, error, at, about=ABOUT, labels={"pos": tuple(tokens)} if tokens else {})


def seen_from(at: int, ids: Sequence[int] | Prompt) -> Bool[Tensor, "pos"]:
    """The tokens that the one at a position sees: those up to it, or the whole image."""
    places = torch.arange(len(ids))
    return places <= at if prompt_of(ids).is_ordered else places >= 0


def squares_of(
    run: OutputOfEmbeddings, probes: Float[Tensor, "probe d_model"], watch: Watch = watch_nothing
) -> Float[Tensor, "probe pos"]:
    """‖probeᵀ ∂y/∂x_i‖² of every probe, in float64."""
    size, result, done = len(run.output), [], 0
    for chunk in probes.split(size):
        cotangents = run.output.new_zeros(run.output.shape)
        cotangents[: len(chunk)] = chunk.to(run.output)
        [slope] = torch.autograd.grad(run.output, run.embeddings, cotangents, retain_graph=True)
        result.append(slope[: len(chunk)].double().square().sum(-1).cpu())
        watch(done := done + len(chunk), len(probes))
    return torch.cat(result)


def position_from_start(position: int, length: int) -> int:
    """A position counted from the first token."""
    if not length:
        raise ValueError("no token was given; give one at least")
    if not -length <= position < length:
        raise ValueError(f"position {position} was asked for; there are positions 0 to {length - 1}")
    return position % length

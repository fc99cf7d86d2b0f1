"""Over-squashing: how much the last token's output depends on the embedding of every token, by exact derivatives."""

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

    An embedding near 0 has a very large norm: the first RMSNorm divides by its size.
    position: t, the token whose output is read.
    """

    drawn_by = "collapse:squashing_figure"

    norm: Float[Tensor, "source"]
    norm_null: Float[Tensor, "source"]
    position: int


def squashing(
    model: HookedModel | PreTrainedModel,
    ids: Sequence[int] | Prompt,
    tokens: Sequence[str] = (),
    *,
    position: int = -1,
    rows: int = ROWS,
    watch: Watch = watch_nothing,
) -> Squashing:
    """Exact, by one backward pass per `rows` of the d_model outputs; memory grows with rows, the number does not.

    model: hooked (a TransformerBridge) or a plain Hugging Face decoder, in eval mode; for an image hooked. A signed
    kernel's jump at a score of 0 has no derivative and is not seen. watch(done, total) counts the outputs that were
    pulled back. Raises ValueError for no token and for a position outside them.
    """
    at = position_from_start(position, len(ids))
    if rows < 1:
        raise ValueError(f"{rows} rows at once were asked for; ask for one at least")
    run = output_of_embeddings(model, ids, at, rows)
    squares = squares_of(run, torch.eye(run.output.shape[-1]), watch)
    return squashing_with_null(squares.sum(0).sqrt(), at, tokens, seen_from(at, ids))


def squashing_with_null(
    norm: Float[Tensor, "source"], at: int, tokens: Sequence[str], seen: Bool[Tensor, "source"]
) -> Squashing:
    """The result beside its null."""
    null = norm[seen].square().mean().sqrt() * seen
    return Squashing(norm, null, at, about=ABOUT, labels={"source": tuple(tokens)} if tokens else {})


def seen_from(at: int, ids: Sequence[int] | Prompt) -> Bool[Tensor, "source"]:
    """The tokens that the one at a position sees: those up to it, or the whole image."""
    places = torch.arange(len(ids))
    return places <= at if prompt_of(ids).is_ordered else places >= 0


def squares_of(
    run: OutputOfEmbeddings, probes: Float[Tensor, "probe d_model"], watch: Watch = watch_nothing
) -> Float[Tensor, "probe source"]:
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

"""What one forward pass through one attention layer hands from its projections on to its scores."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor, nn

from headscope.models.seam.call_arguments import Places


@dataclass
class LayerPass:
    """The count of visible tokens that the model hands down, W_Q x as its hooks left it, and what the layer reads.

    patternless: the scores are not formed where hooks could see them, so values are tempered as they are projected.
    """

    visible_count: Int[Tensor, "batch_or_one total"] | None
    patternless: bool = False
    query: Float[Tensor, "batch pos ..."] | None = None
    hidden: Float[Tensor, "batch pos d_model"] | None = None
    cache: object = None
    input_parts: Mapping[str, Tensor] | None = None


# A ContextVar and no attribute of the layer: two threads that run one model see only their own pass.
LAYER_PASS: ContextVar[LayerPass | None] = ContextVar("LAYER_PASS", default=None)


@contextmanager
def shared_layer_pass(layer_pass: LayerPass) -> Iterator[None]:
    """The pass that a layer's projections and scores share, for this thread and no longer than the call."""
    token = LAYER_PASS.set(layer_pass)
    try:
        yield
    finally:
        LAYER_PASS.reset(token)


def remember_query(q: nn.Module, inputs: Places, projected: Float[Tensor, "batch pos ..."]) -> None:
    """A forward hook of the query projection: τ_q is a function of W_Q x before any rotation or norm."""
    layer_pass = LAYER_PASS.get()
    if layer_pass is not None:
        layer_pass.query = projected


def is_patternless() -> bool:
    """Whether the layer that is running forms no pattern."""
    layer_pass = LAYER_PASS.get()
    return layer_pass is not None and layer_pass.patternless


def projected_query() -> Float[Tensor, "batch pos width"]:
    """W_Q x of the layer that is running."""
    layer_pass = LAYER_PASS.get()
    if layer_pass is None or layer_pass.query is None:
        raise RuntimeError("query temperatures need W_Q x of the same pass: call the attention module, not its parts")
    return layer_pass.query.flatten(2)


def pass_visible_count(n_pos: int) -> Int[Tensor, "batch_or_one pos"]:
    """How many visible tokens stand at or before each of the last n_pos positions, from 1."""
    layer_pass = LAYER_PASS.get()
    if layer_pass is None or layer_pass.visible_count is None:
        raise ValueError("tempered attention counts the visible tokens: call the model, not one of its layers alone")
    return layer_pass.visible_count[:, -n_pos:]


def remember_hidden(projection: nn.Module, inputs: Places) -> None:
    """A forward pre-hook of a projection of queries: what the layer reads, as hooks left it."""
    layer_pass = LAYER_PASS.get()
    if layer_pass is not None:
        layer_pass.hidden = inputs[0]

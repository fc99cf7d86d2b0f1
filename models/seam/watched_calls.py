"""Watched calls: what every attention call of a running model was given, told to whoever watches in this thread."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.options import Options
from headscope.models.attention.run import Inputs
from headscope.models.attention.variant import Variant
from headscope.models.seam.thread_value import ThreadValue


@dataclass(frozen=True)
class Call:
    """One call of one layer: `attention_of(variant, given, options)`.

    Queries and keys are rotated and normed as the kernel sees them; the query temperature is among the options.
    """

    layer: int
    variant: Variant
    given: Inputs
    options: Options


WATCHER = ThreadValue[Callable[[Call], None]]("WATCHER")
OUTPUT_WATCHER = ThreadValue[Callable[[int, Tensor], None]]("OUTPUT_WATCHER")


def watched_calls(watch: Callable[[Call], None]) -> AbstractContextManager[None]:
    """watch is told of every call that goes through transformers' attention interface, just before it is computed.

    Behind hooks a listed family's layer goes there only without its pattern: see headscope.models.hooked.patternless.
    """
    return WATCHER.set_to(watch)


def tell(call: Call) -> None:
    """Tell the one who watches, if anyone does."""
    if watch := WATCHER.get():
        watch(call)


def watched_outputs(watch: Callable[[int, Tensor], None]) -> AbstractContextManager[None]:
    """watch is told of the layer and the output [batch, head, pos, d_value] of every call, before any gate."""
    return OUTPUT_WATCHER.set_to(watch)


def tell_output(layer: int, output: Float[Tensor, "batch head pos d_value"]) -> None:
    """Tell the one who watches outputs, if anyone does."""
    if watch := OUTPUT_WATCHER.get():
        watch(layer, output)

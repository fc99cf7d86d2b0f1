"""Passed blocks: a block of a hooked model that is given another stream, is watched, or gives on what it is given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jaxtyping import Float
from torch import Tensor, nn

from headscope.models.seam.call_arguments import Keywords, Places

Stream = Float[Tensor, "row pos d_model"]
STREAM = "hidden_states"


@contextmanager
def entered(block: nn.Module, stream: Callable[[Stream], Stream]) -> Iterator[None]:
    """Inside, the block is given `stream` of the residual stream that comes to it, if one comes."""

    def enter(block: nn.Module, places: Places, keywords: Keywords) -> tuple[Places, Keywords]:
        if places:
            return (stream(places[0]), *places[1:]), keywords
        return places, {name: stream(value) if name == STREAM else value for name, value in keywords.items()}

    handle = block.register_forward_pre_hook(enter, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def left(block: nn.Module, output: Callable[[object], None]) -> Iterator[None]:
    """Inside, `output` is told what the block returns."""
    handle = block.register_forward_hook(lambda block, places, returned: output(returned))
    try:
        yield
    finally:
        handle.remove()


def is_stream_alone(output: object) -> bool:
    """Whether a block returns the residual stream and no other tensor."""
    first, *others = output if isinstance(output, tuple) else (output,)
    return isinstance(first, Tensor) and not any(isinstance(other, Tensor) for other in others)


@contextmanager
def passed_by(block: nn.Module, output: object) -> Iterator[None]:
    """Inside, the block returns the stream that it is given, in the form of an output that it had."""

    def forward(*places: object, **keywords: object) -> object:
        stream = places[0] if places else keywords[STREAM]
        return (stream, *output[1:]) if isinstance(output, tuple) else stream

    vars(block)["forward"] = forward  # of this block alone, in front of its class's
    try:
        yield
    finally:
        del vars(block)["forward"]

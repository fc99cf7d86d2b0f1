"""Resumption: a hooked pass that begins at a layer, from the residual stream that an earlier pass had before it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from headscope.models.hooked.bridge import HookedBridge
from headscope.models.hooked.resumed.passed_blocks import entered, is_stream_alone, left, passed_by
from headscope.models.hosts.linear_map import tolerance

Stream = Float[Tensor, "*row pos d_model"]


@dataclass(frozen=True)
class Resumption:
    """Where passes of a model can begin, as `resumption` has seen it.

    layers: those to which the ones before give the residual stream and nothing else; the first, 0, is always among
    them. outputs: what each block returned; empty where blocks give more than the stream, and none is passed by.
    """

    layers: tuple[int, ...]
    bridge: HookedBridge = field(repr=False)
    outputs: tuple[object, ...] = field(repr=False)

    def start(self, layer: int) -> int:
        """The last layer up to `layer` at which a pass can begin."""
        return max(start for start in self.layers if start <= layer)

    @contextmanager
    def resumed_at(self, start: int, stream: Stream, end: int | None = None) -> Iterator[None]:
        """Inside, a pass gives `stream` to the block `start` and runs the blocks from there, if given, up to `end`.

        The pass is given ids or pixels as ever, and makes masks and position tables of them; hooks of blocks that are
        passed by are not called. Other threads wait until it is left. Raises ValueError for a start not in `layers`.
        """
        if start not in self.layers:
            raise ValueError(f"a pass cannot begin at layer {start} of this model; it can at {self.layers}")
        blocks = list(self.bridge.blocks)
        running = range(start, len(blocks) if end is None else end)
        with self.bridge.turns.taken(), ExitStack() as stack:
            for layer, output in enumerate(self.outputs):
                if layer not in running:
                    stack.enter_context(passed_by(blocks[layer], output))
            stack.enter_context(entered(blocks[start], lambda before: stream.to(before).expand_as(before).clone()))
            yield


@torch.no_grad()
def resumption(bridge: HookedBridge, inputs: Shaped[Tensor, "1 ..."]) -> Resumption:
    """Where passes can begin, seen in two passes over ids or pixels.

    The second has a row for every layer. Each is led astray before the first block and set right before its own layer:
    where it still comes to the answer, nothing else that earlier layers gave makes a difference.
    """
    blocks = list(bridge.blocks)
    with bridge.turns.taken():
        streams, outputs, answer = recorded_pass(bridge, inputs)
        if len(streams) < len(blocks) or not all(map(is_stream_alone, outputs)):
            return Resumption((0,), bridge, ())
        with ExitStack() as stack:
            stack.enter_context(entered(blocks[0], led_astray))
            for layer, block in enumerate(blocks[1:], 1):
                stack.enter_context(entered(block, partial(with_row, row=layer, value=streams[layer][0])))
            rows = bridge(inputs.expand(len(blocks), *inputs.shape[1:]))
    off = (rows - answer).flatten(1).float().norm(dim=1) / answer.float().norm()
    right = [layer for layer, far in enumerate(off.tolist()) if far <= tolerance(answer.dtype)]
    return Resumption(tuple(sorted({0, *right})), bridge, tuple(outputs))


def recorded_pass(
    bridge: HookedBridge, inputs: Shaped[Tensor, "1 ..."]
) -> tuple[list[Stream], list[object], Float[Tensor, "1 *answer"]]:
    """What came into every block, what left it, and the answer."""
    streams, outputs = list[Tensor](), list[object]()

    def keep(stream: Stream) -> Stream:
        streams.append(stream.clone())
        return stream

    with ExitStack() as stack:
        for block in bridge.blocks:
            stack.enter_context(entered(block, keep))
            stack.enter_context(left(block, outputs.append))
        answer = bridge(inputs)
    return streams, outputs, answer


def led_astray(stream: Stream) -> Stream:
    """Numbers drawn at random in all rows but the first."""
    astray = torch.randn(stream.shape[1:], generator=torch.Generator().manual_seed(0)).to(stream)
    return torch.cat([stream[:1], astray.expand_as(stream[1:])])


def with_row(stream: Stream, row: int, value: Float[Tensor, "pos d_model"]) -> Stream:
    """The stream with one row of it replaced."""
    result = stream.clone()
    result[row] = value
    return result

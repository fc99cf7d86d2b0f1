"""Attention of any element in Triton, in one pass, with its gradients."""
# pyright: reportMissingTypeStubs=false

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

from headscope.models.attention.fused.block_shapes import BlockShape, block_shape, is_interpreted
from headscope.models.attention.fused.element import Element
from headscope.models.attention.fused.row_sums import RowSums
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.fused.triton_block import Form, Sizes
from headscope.models.attention.fused.triton_gradients import write_key_gradients, write_query_gradients
from headscope.models.attention.fused.triton_output import write_output

FUNCTIONS = ("VALUE", "SLOPE")
OPERANDS = {torch.float32: tl.float32, torch.float16: tl.float16, torch.bfloat16: tl.bfloat16}


@dataclass(frozen=True)
class TritonCall:
    """What a call is besides its tensors."""

    element: Element
    rule: ScoreRule

    def sizes(self, q: Tensor, k: Tensor) -> Sizes:
        """The sizes of its tensors."""
        shared = q.shape[1] // k.shape[1]
        return Sizes(q.shape[1], shared, q.shape[2], k.shape[2], float(self.rule.scale), self.rule.soft_cap or 0.0)

    def form(self, q: Tensor, v: Tensor, shape: BlockShape) -> Form:
        """What its kernels are compiled for."""
        element, rule = self.element, self.rule
        operand, precision = factors(q.dtype, element)
        widths = q.shape[-1], v.shape[-1], padded(q.shape[-1]), padded(v.shape[-1])
        what = element.is_exponential, element.is_signed, element.is_normalised, element.power
        cells = rule.causal, rule.mask is not None, rule.soft_cap is not None
        return Form(*what, *cells, *widths, shape.rows, shape.keys, operand, precision)

    def mask(self, q: Tensor, k: Tensor) -> Tensor:
        """The mask of every cell without its memory; the queries stand where there is none."""
        if self.rule.mask is None:
            return q
        return self.rule.mask.view(torch.uint8).expand(*q.shape[:3], k.shape[2])


class TritonAttention(torch.autograd.Function):
    """output = Σ σ h v / Σ h, and ln Σ h of an exponential; keys have as many heads as queries, or a divisor."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Float[Tensor, "batch head query d_head"],
        k: Float[Tensor, "batch kv_head key d_head"],
        v: Float[Tensor, "batch kv_head key d_value"],
        call: TritonCall,
    ) -> tuple[Float[Tensor, "batch head query d_value"], Float[Tensor, "batch head query"]]:
        q, k, v = (with_near_columns(x) for x in (q, k, v))
        # Sums that nothing divides could be more than a half holds.
        dtype = q.dtype if call.element.is_normalised else torch.float32
        output = q.new_empty(*q.shape[:-1], v.shape[-1], dtype=dtype)
        kept = q.new_empty(q.shape[:-1], dtype=torch.float32)
        launch = Launch(call, (q, k, v, call.mask(q, k)), (output,), block_shape(q, v, "output"))
        launch.by_rows(write_output, output, kept)
        ctx.save_for_backward(q, k, v, output, kept)
        ctx.call = call
        if not call.element.is_exponential:
            ctx.mark_non_differentiable(kept)
        return output, kept

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: Any, grad: Float[Tensor, "batch head query d_value"], grad_kept: Float[Tensor, "batch head query"]
    ) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("attention without its pattern has first derivatives only; ask with need_pattern=True")
        q, k, v, output, kept = ctx.saved_tensors
        grads = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        tensors = (q, k, v, ctx.call.mask(q, k), with_near_columns(grad), output)
        rows_kept = kept, -grad_kept  # the second becomes δ with the gradients of queries
        of_queries = Launch(ctx.call, tensors, grads, block_shape(q, v, "query gradients"))
        of_queries.by_rows(write_query_gradients, rows_kept, grads[0])
        of_keys = Launch(ctx.call, tensors, grads, block_shape(q, v, "key gradients"))
        of_keys.by_keys(write_key_gradients, rows_kept, *grads[1:])
        return *grads, None


@dataclass(frozen=True)
class Launch:
    """One kernel about to run: the tensors that it reads, those whose strides it needs to write, and its blocks."""

    call: TritonCall
    tensors: tuple[Tensor, ...]
    written: tuple[Tensor, ...]
    shape: BlockShape

    def by_rows(self, kernel: Any, *arguments: Any) -> None:
        """A program for every block of queries of a head."""
        self.run(kernel, blocks_of(self.tensors[0], self.shape.rows), arguments)

    def by_keys(self, kernel: Any, *arguments: Any) -> None:
        """A program for every block of keys of a key head."""
        self.run(kernel, blocks_of(self.tensors[1], self.shape.keys), arguments)

    def run(self, kernel: Any, grid: tuple[int, int], arguments: tuple[Any, ...]) -> None:
        """The kernel, on the device of its tensors."""
        (q, k, v), element = self.tensors[:3], self.call.element
        strides = tuple(x.stride() for x in (*self.tensors, *self.written))
        functions = {name: compiled(getattr(element, name.lower())) for name in kernel.arg_names if name in FUNCTIONS}
        form = self.call.form(q, v, self.shape)
        with torch.cuda.device_of(q):
            kernel[grid](
                self.tensors, strides, *arguments, self.call.sizes(q, k), **functions, FORM=form, **self.shape.launch
            )


def blocks_of(x: Tensor, length: int) -> tuple[int, int]:
    """How many blocks of positions there are, and of heads."""
    return -(-x.shape[2] // length), x.shape[0] * x.shape[1]


def with_near_columns(x: Tensor) -> Tensor:
    """The tensor, copied if the entries of a vector do not lie beside each other."""
    return x if x.stride(-1) == 1 else x.contiguous()


def triton_row_sums(
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch kv_head key d_head"],
    v: Float[Tensor, "batch kv_head key d_value"],
    element: Element,
    rule: ScoreRule,
) -> RowSums:
    """The output of an element's attention in the dtype of its tensors, scores and sums being float32.

    First derivatives only: a second one is refused.
    """
    output, kept = cast(tuple[Tensor, Tensor], TritonAttention.apply(q, k, v, TritonCall(element, rule)))  # pyright: ignore[reportUnknownMemberType]
    return RowSums(output, kept[..., None])


def triton_attention(
    q: Float[Tensor, "batch head query d_head"],
    k: Float[Tensor, "batch kv_head key d_head"],
    v: Float[Tensor, "batch kv_head key d_value"],
    element: Element,
    rule: ScoreRule,
) -> Float[Tensor, "batch head query d_value"]:
    """The output alone."""
    return triton_row_sums(q, k, v, element, rule).output


@cache
def compiled(function: Callable[..., object]) -> Any:
    """A function of an element as Triton takes it; its interpreter calls it as it is."""
    return inspect.unwrap(function) if is_interpreted() else cast(Any, triton).jit(inspect.unwrap(function))


def factors(dtype: torch.dtype, element: Element) -> tuple[tl.dtype, str]:
    """In which numbers blocks are multiplied: those of the tensors, but where float16 would not hold the weights."""
    if dtype == torch.float16 and not element.is_exponential:
        return tl.float32, "tf32"  # as many digits as float16, and the range of float32
    if dtype == torch.float32 or is_interpreted():  # the interpreter multiplies the bits of bfloat16 as whole numbers
        return tl.float32, "ieee"
    return OPERANDS[dtype], "ieee"


def padded(width: int) -> int:
    """The power of two that a block of so many columns has."""
    return max(16, 1 << (width - 1).bit_length())

"""What an attention variant is: one frozen record, filled in by one small file per variant."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from headscope.models.attention.fused.block_kernel import BlockKernel
from headscope.models.attention.fused.blockwise import blockwise_attention
from headscope.models.attention.fused.element import Element
from headscope.models.attention.jacobian import norm_by_pullback
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.learned_part import OutputFactor
from headscope.models.attention.options import Options
from headscope.models.attention.row_law import RowLaw
from headscope.models.attention.temperature import TEMPERATURES, tempered

Scores = Float[Tensor, "batch head query key"]
Pattern = Float[Tensor, "batch head query key"]
Visible = Bool[Tensor, "#batch #head query key"]
Parity = Literal["odd", "even", "either"] | None


@dataclass(frozen=True)
class PreparedInputs:
    """Queries and values as the kernel will see them, and the options left for the kernel itself."""

    q: Float[Tensor, "batch head query d_head"]
    v: Float[Tensor, "batch kv_head key d_value"]
    kernel: Options = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Variant:
    """One way of turning scores into weights; the forward pass around it is the same for all.

    weigh(scores, visible, **kernel) -> pattern: masked entries and rows without a visible key are exactly 0.
    pullback(scores, visible, pattern, grad_pattern, **kernel) -> grad_scores: the closed-form gradient of weigh.
    row_law: what a row of weights obeys with any options.
    options: every option with its default, plain values only, as an AttentionSpec stores them.
    kernel(**options) -> what weigh takes, of the options that a call or a layer gives; unchanged by default.
    learned(options, shape): the parts that a layer learns, by name. A parameter takes the place of the option of its
    name, and broadcasts to [batch, head, query, key] as kernel leaves it; a LearnedOption makes it in every call.
    handed: keywords by which families hand their own attention a learned part, and the option that each is.
    option_hooks: names of hooks, and the option of the kernel that each shows by row, [batch, head, query].
    factor(options, shape): what heads' outputs are multiplied by before W_O, or None.
    learns_temperatures: a part named temperature_q or temperature_v is a module that makes [batch, 1, pos] of
    W_Q x (W_V x) before rotation and the count of visible tokens; scores (values) are multiplied by it, and a hook has
    its name.
    reads_order: whether weights depend on the order of the keys. mixes_heads: whether those of a head depend on the
    scores of others.
    in_context(options, n): the options, with what they leave to the model, of one that reads n tokens.
    scale(options, usual): the factor of the dot product; usual is the model's own, or 1/√d_head.
    fused: the exact path without a query × key matrix, unless a library has it: in one pass on a GPU where element, of
    the kernel's own options, has a form for it, on a processor by blocks where the kernel has one for them, else by
    strips, as where an option of the kernel is a tensor. It gives such tensors their gradient.
    parity(options): "odd" when flipping a head's (W_Q, W_V) changes nothing, "even" when flipping W_Q does not,
    "either" where the options do not tell. degree(options): n of a kernel with weigh(λp) = λⁿ weigh(p).
    learns_factor(options): whether the weights have a learned factor, which W_V can take over.
    slope(pattern, scores, **kernel): a closed form of jacobian_norm, scores of hidden keys being -inf.
    without: name -> function of scores and visible cells: the weights with that mechanism of the variant taken out.
    read_kernel(pattern, scores): kernel options as far as the weights tell them.
    cases: options of `attend` that the laws in the tests run on, by a word or two.
    """

    name: str
    paper: str
    weigh: Callable[..., Pattern]
    pullback: Callable[..., Scores]
    row_law: RowLaw
    invariant_to_key_translation: bool
    options: Options = field(default_factory=dict[str, object])
    check_options: Callable[[Options], None] = lambda options: None
    kernel: Callable[..., Options] | None = None
    learned: Callable[[Options, LayerShape], Mapping[str, nn.Module | nn.Parameter]] | None = None
    handed: Mapping[str, str] = field(default_factory=dict[str, str])
    option_hooks: Mapping[str, str] = field(default_factory=dict[str, str])
    factor: Callable[[Options, LayerShape], OutputFactor | None] | None = None
    learns_temperatures: bool = False
    reads_order: bool = False
    mixes_heads: bool = False
    in_context: Callable[[Options, int], Options] = lambda options, n: options
    scale: Callable[[Options, float], float] | None = None
    fused: Callable[..., Float[Tensor, "batch head query d_value"]] = blockwise_attention
    blocks: BlockKernel | None = None
    element: Callable[[Options], Element | None] = lambda kernel: None
    parity: Callable[[Options], Parity] = lambda options: None
    degree: Callable[[Options], int | None] = lambda options: None
    learns_factor: Callable[[Options], bool] = lambda options: False
    slope: Callable[..., Float[Tensor, "*batch query"]] | None = None
    without: Mapping[str, Callable[[Scores, Visible], Pattern]] = field(
        default_factory=dict[str, Callable[[Scores, Visible], Pattern]]
    )
    read_kernel: Callable[[Pattern, Scores], Options] | None = None
    cases: Mapping[str, Options] = field(default_factory=lambda: {"": {}})
    call_options: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        of_kernel = keywords(self.kernel or self.weigh)
        object.__setattr__(self, "call_options", (*of_kernel, *(TEMPERATURES if self.learns_temperatures else ())))
        idle = [name for name in self.options if name not in self.call_options]
        if idle and not (self.learned or self.scale or self.factor):
            raise ValueError(f"{self.name}: the option {idle[0]!r} reaches nothing; make it a keyword of weigh")

    @property
    def non_negative(self) -> bool:
        """Whether no weight is below 0."""
        return self.row_law.non_negative

    @property
    def rows_sum_to_one(self) -> bool:
        """Whether the weights of a row sum to 1."""
        return self.row_law.sums_to_one

    def prepare(
        self, q: Float[Tensor, "batch head query d_head"], v: Float[Tensor, "batch kv_head key d_value"], **options: Any
    ) -> PreparedInputs:
        """Queries and values with their temperatures, and the kernel's options, of those of a call."""
        taus = [options.pop(name, None) if self.learns_temperatures else None for name in TEMPERATURES]
        return PreparedInputs(*tempered(q, v, *taus), self.kernel_options(options))

    def kernel_options(self, options: Options) -> Options:
        """What weigh takes, of the options that a call or a layer gives."""
        return dict(options) if self.kernel is None else self.kernel(**options)

    def kernel_of_weights(self, pattern: Pattern, scores: Scores) -> Options:
        """Kernel options as far as the weights tell them. Raises ValueError for options that no weights tell."""
        if self.read_kernel is not None:
            return self.read_kernel(pattern, scores)
        if options := keywords(self.weigh):
            raise ValueError(f"the kernel of {self.name} has options that no weights tell: give {', '.join(options)}")
        return {}

    def scale_of(self, options: Options, usual: float) -> float:
        """The factor of the dot product: the variant's own where it has one, else the usual."""
        return usual if self.scale is None else self.scale(options, usual)

    def jacobian_norm(
        self,
        pattern: Float[Tensor, "*batch query key"],
        scores: Float[Tensor, "*batch query key"],
        visible: Bool[Tensor, "*#batch query key"] | None = None,
        **kernel: object,
    ) -> Float[Tensor, "*batch query"]:
        """‖∂a/∂p‖_F of every row, p the scores as the kernel weighs them; a jump of the kernel is left out.

        visible: which keys a query sees, all by default. Without a closed form it takes a pullback per key.
        """
        if self.slope is None:
            mask = torch.ones_like(scores, dtype=torch.bool) if visible is None else visible
            return norm_by_pullback(self.pullback, pattern, scores, mask, kernel)
        return self.slope(pattern, scores if visible is None else scores.where(visible, -torch.inf), **kernel)


def keywords(function: Callable[..., object]) -> tuple[str, ...]:
    """The names of a function's parameters that are keywords alone, or have a default."""
    parameters = inspect.signature(function).parameters.values()
    alone, either = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return tuple(
        parameter.name
        for parameter in parameters
        if parameter.kind == alone or (parameter.kind == either and parameter.default is not parameter.empty)
    )

"""Seam attention: transformer-lens's hooks on a module whose own forward asks for its attention, of any family."""

from contextlib import nullcontext
from typing import Any, cast

from torch import Tensor, nn
from transformer_lens.conversion_utils.conversion_steps.base_tensor_conversion import BaseTensorConversion
from transformer_lens.hook_points import HookPoint
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent

from headscope.models.hooked.carrying_attention import CarryingAttention, temperature_hook
from headscope.models.hooked.patternless import inside_patternless
from headscope.models.hosts.families import hides_the_future
from headscope.models.seam.factors import FACTORS, GATE, QUERY_SCALE, Factors
from headscope.models.seam.model_pass import HOOKS, Hooks
from headscope.models.seam.own_attention import own_attention_of

ON_SCORES = ("hook_attn_scores", "hook_pattern")
HEADS_FIRST = ("hook_rot_q", "hook_rot_k")  # so transformer-lens has them before it shows them


class OrderedHeads(BaseTensorConversion):
    """z by head, in the order of the pattern's heads; order: which of those each is that W_O reads."""

    splits_attention_heads = True

    def __init__(self, by_head: Any, order: tuple[int, ...]) -> None:
        super().__init__()
        self.by_head, self.order = by_head, list(order)
        self.place = [self.order.index(head) for head in range(len(order))]

    def handle_conversion(self, input_value: Tensor, *full_context: Any) -> Tensor:
        """From [batch, pos, width] as W_O reads it."""
        return self.by_head.handle_conversion(input_value)[:, :, self.place]

    def revert(self, input_value: Tensor, *full_context: Any) -> Tensor:
        """Back to it."""
        return self.by_head.revert(input_value[:, :, self.order])


class SeamAttention(CarryingAttention):
    """An attention module as transformers wrote it; its hooks are called inside of the attention function.

    hook_rot_q and hook_rot_k are queries and keys as the kernel takes them, hook_attn_scores, hook_pattern and hook_z
    as in VariantAttention. hook_q and hook_k are there where projections of their own make them; else hook_v is the
    values as the kernel takes them. A pass whose hooks look at no score and no pattern forms neither.
    inner: where the module that asks stands within the one that is wrapped, when W_O is outside of it (BERT's).
    factors_of: what the module was seen to multiply by, by its id, as transformer-lens copies one bridge for every
    block. hook_query_scale [batch or 1, 1, pos] is the number that queries of a position are multiplied by before they
    are hook_rot_q (Llama 4), hook_gate [batch, pos, head, d or 1] what the heads' outputs are, so that hook_z is
    (hook_pattern @ hook_v) ⊙ hook_gate (Qwen3-Next). hook_lambda [1] is λ of a DiffLlama's layer.
    """

    supports_split_qkv_fork = False
    factors_of: dict[int, frozenset[str]]

    def __init__(self, name: str, config: Any, submodules: dict[str, GeneralizedComponent], inner: str = "") -> None:
        super().__init__(name, config, submodules)
        self.inner = inner
        self.factors_of = {}
        self.hook_rot_q, self.hook_rot_k = HookPoint(), HookPoint()
        absent = {f"hook_{letter}" for letter in "qkv" if letter not in submodules}
        aliases = {hook: place for hook, place in type(self).hook_aliases.items() if hook not in absent}
        if "v" not in submodules:
            self.hook_v = HookPoint()
        if "o" not in submodules:
            aliases.pop("hook_z")
            self.hook_z = HookPoint()
        self.hook_aliases = aliases

    @property
    def attention_module(self) -> Any:
        """The module that asks for its attention, and carries the variant."""
        whole: Any = self.original_component
        return whole.get_submodule(self.inner)

    @property
    def needs_pattern(self) -> bool:
        """Whether a pass forms the layer's pattern even under `patternless`: where a hook looks at it."""
        return any(getattr(self, name).has_hooks() for name in ON_SCORES)

    def set_original_component(self, original_component: nn.Module) -> None:
        """Wrap one attention module."""
        super().set_original_component(original_component)
        object.__setattr__(self, "is_causal", hides_the_future(self.attention_module))
        self.add_part_hooks()
        if self.layer.temperature_q is not None:
            self.hook_temperature_q = temperature_hook()
        if self.layer.temperature_v is not None:
            self.hook_temperature_v, self.hook_tempered_v = temperature_hook(), HookPoint()
            self.hook_aliases = {**self.hook_aliases, "hook_v": "hook_tempered_v"}
        self.add_option_hooks()
        factors = self.factors_of.get(id(self.attention_module), frozenset())
        if QUERY_SCALE in factors:
            self.hook_query_scale = temperature_hook()
        if GATE in factors:
            self.hook_gate = HookPoint()
        own = own_attention_of(self.attention_module)
        for name in own.hooks if own is not None else ():
            setattr(self, name, HookPoint())

    @property
    def head_order(self) -> tuple[int, ...] | None:
        """Which head each of those is that W_O reads, where it does not read them in the order of the pattern."""
        own: Any = own_attention_of(self.attention_module)
        return None if own is None or own.head_order is None else own.head_order(cast(Any, self.config).n_heads)

    @property
    def has_factors(self) -> bool:
        """Whether the module multiplies by something that a hook is of."""
        return any(hasattr(self, name) for name in FACTORS)

    def setup_hook_compatibility(self) -> None:
        """As transformer-lens's, with the values' own size of a head."""
        super().setup_hook_compatibility()
        config: Any = self.config
        for name, hook, heads in (("v", "hook_out", config.n_key_value_heads), ("o", "hook_in", config.n_heads)):
            if name in self.submodules:
                point = getattr(self.submodules[name], hook)
                split = getattr(point.hook_conversion, "by_head", point.hook_conversion)
                by_head = type(split)(heads, config.d_value)
                ordered = name == "o" and self.head_order is not None
                point.hook_conversion = OrderedHeads(by_head, self.head_order or ()) if ordered else by_head

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's own forward pass, with hooks around and inside of it."""
        if args:
            args = (self.hook_in(args[0]), *args[1:])
        elif isinstance(hidden := kwargs.get("hidden_states"), Tensor):
            kwargs = {**kwargs, "hidden_states": self.hook_in(hidden)}
        whole: Any = self.original_component
        with Factors() if self.has_factors else nullcontext() as factors:
            hooks = Hooks(self.edited, self.needs_pattern or not inside_patternless(), factors)
            with HOOKS.set_to(hooks):
                output = whole(*args, **kwargs)
        if isinstance(output, Tensor):
            return self.hook_out(output)
        return self.hook_out(output[0]), *output[1:]

    def edited(self, layer: int, name: str, value: Tensor) -> Tensor:
        """What the hook of this name leaves of a tensor; unchanged where there is no such hook here."""
        hook = vars(self)["_modules"].get(name)
        if hook is None or not hook.has_hooks(dir="both"):
            return value
        if name in HEADS_FIRST:
            return hook(value.transpose(1, 2)).transpose(1, 2)
        return hook(value)

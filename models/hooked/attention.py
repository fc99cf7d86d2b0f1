"""The seam between an attention variant and transformer-lens: its scores go in, the variant's own pattern comes out."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint
from transformer_lens.model_bridge.generalized_components import (
    AttentionBridge,
    JointQKVAttentionBridge,
    PositionEmbeddingsAttentionBridge,
)
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent

from headscope.models.attention.finite import check_soft_cap
from headscope.models.attention.fused.score_rule import soft_capped
from headscope.models.attention.run import at_least_float32
from headscope.models.hooked.carrying_attention import CarryingAttention, temperature_hook
from headscope.models.hooked.layer_pass import (
    LAYER_PASS,
    LayerPass,
    is_patternless,
    pass_visible_count,
    projected_query,
    remember_hidden,
    remember_query,
    shared_layer_pass,
)
from headscope.models.hooked.patternless import hears_angles, hooked_elsewhere, inside_patternless
from headscope.models.hosts.added_to_scores import refuse_unknown_keywords
from headscope.models.hosts.attention_function import NAME, hooked_parts, multiplied, variant_attention
from headscope.models.hosts.families import hides_the_future
from headscope.models.hosts.input_parts import cache_of_call
from headscope.models.hosts.kept_keywords import call_keywords
from headscope.models.seam.call_arguments import Keywords, Places
from headscope.models.seam.hooked_kernel import unmasked
from headscope.models.seam.model_pass import Hooks


class VariantAttention(CarryingAttention):
    """transformer-lens's attention with the layer's own variant in the place of softmax, and its temperatures.

    hook_attn_scores: what the variant weighs, after scale, query temperature and soft cap; hidden entries are the
    dtype's lowest value (-inf in compatibility mode), and an entry that a hook sets to either is hidden.
    hook_pattern: the signed weights. hook_v: the values as mixed, after their temperature (v.hook_out is W_V x + b_V),
    so that pattern @ hook_v = hook_z for every variant. hook_temperature_q, hook_temperature_v: [batch, 1, pos],
    there where the layer learned them. hook_gate: [batch, pos, head, d_head or 1], what the weighted sums of values are
    multiplied by, where they are: then hook_z = hook_gate · (pattern @ hook_v). A kernel's option that is made of
    hidden states has a hook of its name, [batch, key, head]. Scores, pattern, hook_rot_q and tempered values are
    float32 at least, whatever the model's dtype; hook_z and what follows are in the model's own.
    """

    def set_original_component(self, original_component: nn.Module) -> None:
        """Wrap one attention module; its soft cap is taken over, because query temperatures go under it."""
        super().set_original_component(original_component)
        self._keywords = tuple(inspect.signature(original_component.forward).parameters)
        # A plain assignment would go to the wrapped module, which transformer-lens's mask does not ask.
        object.__setattr__(self, "is_causal", hides_the_future(original_component))
        if (soft_cap := getattr(original_component, "attn_logit_softcapping", None)) is not None:
            check_soft_cap("attention", soft_cap)
            self.layer.soft_cap, self.attention_module.attn_logit_softcapping = soft_cap, None
        if hasattr(self, "hook_rot_q"):
            self.hook_rot_q.register_forward_hook(float32_output)
        self.add_part_hooks()
        if self.layer.has_input_parts:
            self.submodules["q"].register_forward_pre_hook(remember_hidden)
        if self.layer.temperature_q is not None:
            self.hook_temperature_q = temperature_hook()
            self.submodules["q"].register_forward_hook(remember_query)
        if self.layer.temperature_v is not None:
            self.hook_temperature_v = temperature_hook()
            self.hook_tempered_v = HookPoint()
            self.submodules["v"].register_forward_hook(self._temper_projection)
            self.hook_aliases = {**self.hook_aliases, "hook_v": "hook_tempered_v"}
        self.add_option_hooks()
        if self.meets_keys_unturned:
            self.submodules["q"].register_forward_hook(self._widen_query)

    @property
    def meets_keys_unturned(self) -> bool:
        """Whether queries go to the scores as they were projected, past every hook that would widen them."""
        return isinstance(self, PositionEmbeddingsAttentionBridge) and not hasattr(self, "hook_rot_q")

    @property
    def needs_pattern(self) -> bool:
        """Whether the layer forms its pattern even under `patternless`."""
        # Whoever switches the model to eager attention gets softmax there, whatever the variant.
        ours = self.attention_module.config._attn_implementation == NAME
        own_forward = isinstance(self, PositionEmbeddingsAttentionBridge)
        looked_at = any(hook.has_hooks(dir="both") for hook in self.part_hooks)
        return not ours or not (own_forward or self.is_joint) or looked_at or hooked_elsewhere(self)

    @property
    def is_joint(self) -> bool:
        """Whether one projection makes queries, keys and values; the module's own forward would pass their hooks by."""
        return isinstance(self, JointQKVAttentionBridge)

    def forward(self, *args: object, **kwargs: object) -> object:
        self._refuse_unknown(kwargs)
        patternless = inside_patternless() and not self.is_joint and not self.needs_pattern
        keywords = call_keywords(kwargs)
        try:
            with shared_layer_pass(
                LayerPass(keywords.get("visible_count"), patternless, cache=cache_of_call(args, kwargs))
            ):
                return self._without_pattern(args, keywords) if patternless else super().forward(*args, **keywords)
        finally:
            self._pattern = self._attn_scores = None  # transformer-lens keeps GPT-2's and GPT-NeoX's on the module

    def _refuse_unknown(self, keywords: Mapping[str, object]) -> None:
        """Raise ValueError for what the wrapped module's own attention would be told and these scores are not."""
        refuse_unknown_keywords(keywords, (*self._keywords, "is_causal"))
        if keywords.get("is_causal") not in (None, self.is_causal):
            raise ValueError(f"a hooked model computes as its layers are made, with is_causal={self.is_causal}")

    def _without_pattern(self, args: Places, kwargs: Keywords) -> Places:
        """The wrapped module's own forward, whose projections are the hooked ones."""
        hidden, *others = args or (kwargs.pop("hidden_states"),)
        if others:
            others[0] = self._hooked_angles(others[0])
        elif "position_embeddings" in kwargs:
            kwargs = {**kwargs, "position_embeddings": self._hooked_angles(kwargs["position_embeddings"])}
        tau_q = None if self.layer.temperature_q is None else self._query_temperature
        facts = {**kwargs, "temperature_q": tau_q, "visible_count": None}  # no count: the values are tempered already
        facts["input_parts"] = self._input_parts
        output, *more = self.attention_module.forward(self.hook_in(hidden), *others, **facts)
        return self.hook_out(output), *more

    def _hooked_angles(self, angles: object) -> object:
        """Cosine and sine by position after their hooks, where the layer has such; anything else as it is."""
        hears = hasattr(self, "hook_cos") and hears_angles(self)
        return cast(Any, self)._apply_position_embedding_hooks(angles) if hears else angles

    def _reconstruct_attention(self, q: Tensor, k: Tensor, v: Tensor, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        """Attention on the hooked projections of GPT-2 and GPT-NeoX; without its pattern where nobody looks at it."""
        if not inside_patternless() or self.needs_pattern:
            return cast(Any, super())._reconstruct_attention(q, k, v, **kwargs)
        n_heads, n_kv_heads = cast(Any, self.config).n_heads, getattr(self.config, "n_key_value_heads", None)
        q, k, v, batch, n_query, d_head = self._reshape_qkv_to_heads(q, k, v, n_heads, n_kv_heads)
        if isinstance(position := kwargs.get("position_embeddings"), tuple):
            q, k = self._apply_rotary_pos_emb(q, k, *self._apply_position_embedding_hooks(position))
        k, v = self._update_kv_cache(k, v, **kwargs)
        tau_q = None if self.layer.temperature_q is None else self._query_temperature
        module, mask = self.attention_module, kwargs.get("attention_mask")
        drop = getattr(module, "attn_dropout", 0.0)  # GPT-2's; transformer-lens drops no weights of GPT-NeoX
        dropout = getattr(drop, "p", drop) if module.training else 0.0  # a number in GPT-BigCode
        facts = {"scaling": module.scaling, "temperature_q": tau_q, "is_causal": self.is_causal, "dropout": dropout}
        facts["input_parts"] = self._input_parts
        output, _ = variant_attention(module, q, k, v, mask, **facts)  # times the layer's factor
        by_position = self._width_of_heads(output.transpose(1, 2), batch, n_query, n_heads, d_head)
        return self._apply_output_projection(by_position), None

    def _project_per_head_qkv(
        self,
        linear_bridge: GeneralizedComponent,
        input_4d: Float[Tensor, "batch pos head d_model"],
        n_heads: int,
        d_head: int,
    ) -> Float[Tensor, "batch pos head d_head"]:
        projected = super()._project_per_head_qkv(linear_bridge, input_4d, n_heads, d_head)
        if linear_bridge is not self.q:
            return projected
        remember_query(linear_bridge, (), projected)
        return at_least_float32(projected) if self.meets_keys_unturned else projected

    def _reshape_qkv_to_heads(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        q, *others = super()._reshape_qkv_to_heads(*args, **kwargs)
        return at_least_float32(q), *others

    def _apply_rotary_pos_emb(self, *args: Tensor) -> tuple[Tensor, Tensor]:
        # transformer-lens gives GPT-NeoX these hooks, and passes them by.
        q, k = cast(Any, super())._apply_rotary_pos_emb(*args)
        return self.hook_rot_q(q), self.hook_rot_k(k)

    def _update_kv_cache(
        self,
        k: Float[Tensor, "batch kv_head pos d_head"],
        v: Float[Tensor, "batch kv_head pos d_head"],
        **kwargs: object,
    ) -> tuple[Tensor, Tensor]:
        keys, values = super()._update_kv_cache(k, self._tempered_values(v), **kwargs)
        return at_least_float32(keys), at_least_float32(values)

    def _apply_reconstruct_attention_mask(
        self, attn_scores: Float[Tensor, "batch head query key"], *args: Any, **kwargs: Any
    ) -> Float[Tensor, "batch head query key"]:
        scores = soft_capped(self._tempered_scores(attn_scores * self._rescaling()), self.layer.soft_cap)
        return super()._apply_reconstruct_attention_mask(scores, *args, **kwargs)

    def _masked_softmax(
        self, attn_scores: Float[Tensor, "batch head query key"], dtype: torch.dtype | None = None
    ) -> Float[Tensor, "batch head query key"]:
        parts = {} if is_patternless() else self._input_parts()
        if not self.layer.variant.option_hooks:
            return self.layer.weigh(*unmasked(attn_scores), parts)
        options = self.layer.edited_options(
            self.layer.options_with(parts, attn_scores.shape[-1]),
            attn_scores.shape[:3],
            lambda name, rows: getattr(self, name)(rows),
        )
        scores, visible = unmasked(attn_scores)
        return self.layer.variant.weigh(at_least_float32(scores), visible, **self.layer.variant.kernel_options(options))

    def _reshape_attn_output(
        self, attn_output: Float[Tensor, "batch head query d_head"], *sizes: int, **named_sizes: int
    ) -> Float[Tensor, "batch query width"]:
        return self._width_of_heads(self._multiplied(attn_output), *sizes, **named_sizes)

    def _width_of_heads(
        self, output: Float[Tensor, "batch head query d_head"], *sizes: int, **named_sizes: int
    ) -> Float[Tensor, "batch query width"]:
        """What W_O reads of heads, in its own number format."""
        dtype = cast(Any, self.o).original_component.weight.dtype
        return super()._reshape_attn_output(output, *sizes, **named_sizes).to(dtype)

    def _pre_output_projection(self, attn_output: Float[Tensor, "batch query width"]) -> Float[Tensor, "..."]:
        """What heads put out as it goes to W_O, where queries and keys are turned by hooks of their own."""
        if not self.layer.has_factor:
            return attn_output
        by_head = attn_output.unflatten(-1, (cast(Any, self.config).n_heads, -1)).transpose(1, 2)
        return self._multiplied(by_head).transpose(1, 2).flatten(2)

    def _multiplied(self, output: Float[Tensor, "batch head query d_head"]) -> Float[Tensor, "batch head query d_head"]:
        """Weighted sums of values times the layer's factor of them."""
        return multiplied(self.layer, Hooks(self._edited_part), self._input_parts(), output)

    def _input_parts(self) -> Mapping[str, Tensor]:
        """What the layer makes of what it reads in this pass, once, as hooks leave it."""
        layer_pass = LAYER_PASS.get()
        if not self.layer.has_input_parts or layer_pass is None:
            return {}
        if layer_pass.input_parts is None:
            if layer_pass.hidden is None:
                raise ValueError(
                    f"layer {self.layer.number} makes something of what its attention reads, which is one for all "
                    "heads: use_attn_in and use_split_qkv_input give each head its own, and have to be off"
                )
            parts = self.layer.input_parts(layer_pass.hidden, layer_pass.cache)
            layer_pass.input_parts = hooked_parts(self.layer, Hooks(self._edited_part), parts)
        return layer_pass.input_parts

    def _edited_part(self, layer: int, name: str, value: Tensor) -> Tensor:
        """What a hook of parts leaves of a tensor."""
        return cast(HookPoint, getattr(self, name))(value)

    def _rescaling(self) -> float:
        """The variant's factor of the dot product over the one that transformer-lens has already applied."""
        module, config = self.attention_module, cast(Any, self.config)
        applied = module.scaling
        if isinstance(self, JointQKVAttentionBridge):
            by_depth = getattr(config, "scale_attn_by_inverse_layer_idx", False)
            applied = config.d_head**-0.5 / (module.layer_idx + 1 if by_depth else 1)
        return self.layer.scale(module.scaling) / applied

    def _tempered_scores(self, scores: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head query key"]:
        if self.layer.temperature_q is None:
            return scores
        return (scores * self._query_temperature()[..., None]).to(scores.dtype)

    def _query_temperature(self) -> Float[Tensor, "batch 1 query"]:
        query = projected_query()
        return self.hook_temperature_q(cast(Any, self.layer.temperature_q)(query, pass_visible_count(query.shape[1])))

    def _tempered_values(
        self, v: Float[Tensor, "batch kv_head pos d_head"]
    ) -> Float[Tensor, "batch kv_head pos d_head"]:
        if self.layer.temperature_v is None:
            return v
        tau = self.hook_temperature_v(self.layer.value_temperature(v, pass_visible_count(v.shape[2])))
        return self.hook_tempered_v((v * tau[..., None]).transpose(1, 2)).transpose(1, 2)

    def _widen_query(
        self, q: nn.Module, inputs: Places, projected: Float[Tensor, "batch pos width"]
    ) -> Float[Tensor, "batch pos width"] | None:
        """A forward hook of the query projection, after those that read it in the model's own dtype."""
        return None if is_patternless() else at_least_float32(projected)

    def _temper_projection(
        self, v: nn.Module, inputs: Places, projected: Float[Tensor, "batch pos width"]
    ) -> Float[Tensor, "batch pos width"] | None:
        """A forward hook of the value projection: a cache holds tempered values, whichever way they were computed."""
        if not is_patternless():
            return None
        by_head = projected.unflatten(-1, (-1, self.attention_module.head_dim)).transpose(1, 2)
        return self._tempered_values(by_head).transpose(1, 2).flatten(2)


@cache
def with_variant(bridge: type[AttentionBridge]) -> type[AttentionBridge]:
    """The same attention bridge class, weighing its scores with the layer's variant."""
    return type(f"Variant{bridge.__name__}", (VariantAttention, bridge), {})


def float32_output(hook: nn.Module, inputs: Places, output: Tensor) -> Tensor:
    """A forward hook: the output in float32 at least."""
    return at_least_float32(output)

"""A layer of a vanilla transformer: attention, and an MLP unless there is none, each read through a norm and added."""

from collections.abc import Callable
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.cache_utils import Cache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb, eager_attention_forward

from headscope.models.vanilla.norm import new_norm

Hidden = Float[Tensor, "batch pos d_model"]
Angles = tuple[Float[Tensor, "#batch pos d_head"], Float[Tensor, "#batch pos d_head"]]


class VanillaAttention(nn.Module):
    """Multi-head attention through transformers' attention interface, its heads as wide as the config says."""

    def __init__(self, config: Any, layer_idx: int) -> None:
        super().__init__()
        self.config, self.layer_idx, self.head_dim = config, layer_idx, config.head_dim
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = self.head_dim**-0.5 if config.attention_scale is None else float(config.attention_scale)
        self.attention_dropout = config.attention_dropout
        self.is_causal = config.is_causal
        d_model, bias = config.hidden_size, config.attention_bias
        queries, keys = (n * self.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
        self.q_proj = nn.Linear(d_model, queries, bias=bias)
        self.k_proj = nn.Linear(d_model, keys, bias=bias)
        self.v_proj = nn.Linear(d_model, keys, bias=bias)
        self.o_proj = nn.Linear(queries, d_model, bias=bias)

    def forward(
        self,
        hidden_states: Hidden,
        position_embeddings: Angles | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        **kwargs: Any,
    ) -> tuple[Hidden, Tensor | None]:
        """What the heads write, and their pattern where the attention function gives it."""
        query, key, value = (self._by_head(part(hidden_states)) for part in (self.q_proj, self.k_proj, self.v_proj))
        if position_embeddings is not None:
            query, key = apply_rotary_pos_emb(query, key, *position_embeddings)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        implementation = self.config._attn_implementation
        attend: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(implementation, eager_attention_forward)  # type: ignore[arg-type]
        dropout = self.attention_dropout if self.training else 0.0
        mixed, pattern = attend(
            self, query, key, value, attention_mask, scaling=self.scaling, dropout=dropout, **kwargs
        )
        return self.o_proj(mixed.flatten(2).contiguous()), pattern

    def _by_head(self, projected: Float[Tensor, "batch pos width"]) -> Float[Tensor, "batch head pos d_head"]:
        return projected.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)


class VanillaMLP(nn.Module):
    """Two linear maps and an activation between them."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=config.mlp_bias)
        self.act_fn = ACT2FN[config.hidden_act]

    def forward(self, hidden_states: Hidden) -> Hidden:
        """What it writes."""
        return self.down_proj(self.act_fn(self.up_proj(hidden_states)))


class VanillaLayer(GradientCheckpointingLayer):
    """One block; without MLP, its attention is all there is."""

    def __init__(self, config: Any, layer_idx: int) -> None:
        super().__init__()
        self.input_layernorm = new_norm(config, config.norm)
        self.self_attn = VanillaAttention(config, layer_idx)
        if not config.attention_only:
            self.post_attention_layernorm = new_norm(config, config.norm)
            self.mlp = VanillaMLP(config)

    def forward(self, hidden_states: Hidden, **kwargs: Any) -> Hidden:
        """The residuals after the block; keywords are those of its attention."""
        written, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **kwargs)
        hidden_states = hidden_states + written
        if not hasattr(self, "mlp"):
            return hidden_states
        return hidden_states + self.mlp(self.post_attention_layernorm(hidden_states))

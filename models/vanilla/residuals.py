"""The residual stream of a vanilla transformer: tokens and positions in, block after block, through the final norm."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.layer import VanillaAttention, VanillaLayer
from headscope.models.vanilla.norm import new_norm

Ids = Int[Tensor, "batch pos"]
Embedded = Float[Tensor, "batch pos d_model"]


class VanillaPreTrainedModel(PreTrainedModel):
    """What transformers asks of any model class."""

    config_class = VanillaConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["VanillaLayer"]  # noqa: RUF012
    _skip_keys_device_placement = ["past_key_values"]  # noqa: RUF012
    _supports_sdpa = True
    _supports_attention_backend = True
    _can_record_outputs = {"hidden_states": VanillaLayer, "attentions": VanillaAttention}  # noqa: RUF012
    config: VanillaConfig


class VanillaModel(VanillaPreTrainedModel):
    """From tokens to the residuals after the final norm."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        if config.position_embedding == "learned":
            self.embed_positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        if config.position_embedding == "rotary":
            self.rotary_emb = LlamaRotaryEmbedding(config)  # type: ignore[arg-type]
        self.layers = nn.ModuleList(VanillaLayer(config, number) for number in range(config.num_hidden_layers))
        self.norm = new_norm(config, config.final_norm)
        self.gradient_checkpointing = False
        self.post_init()

    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: Ids | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Int[Tensor, "#batch pos"] | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Embedded | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Raises ValueError for both of ids and embeddings or neither, and for a cache where tokens see the future."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("a vanilla transformer reads input_ids or inputs_embeds, one of them")
        embedded = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        cache = self._cache(past_key_values, use_cache)
        if position_ids is None:
            past = 0 if cache is None else cache.get_seq_length()
            position_ids = (torch.arange(embedded.shape[1], device=embedded.device) + past)[None]
        mask = create_causal_mask(self.config, embedded, attention_mask, cache, position_ids)
        hidden = embedded + self.embed_positions(position_ids) if hasattr(self, "embed_positions") else embedded
        angles = self.rotary_emb(hidden, position_ids) if hasattr(self, "rotary_emb") else None
        given = {"attention_mask": mask, "position_embeddings": angles, "past_key_values": cache, **kwargs}
        for layer in self.layers:
            hidden = layer(hidden, position_ids=position_ids, use_cache=use_cache, **given)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(hidden), past_key_values=cache)

    def _cache(self, cache: Cache | None, use_cache: bool | None) -> Cache | None:
        """The keys and values of earlier tokens; those of an encoder would change with every token that comes."""
        if cache is not None and not self.config.is_causal:
            raise ValueError(
                "this model is bidirectional, so that no cache of earlier tokens stays true: give all at once"
            )
        is_new = cache is None and use_cache and self.config.is_causal
        return DynamicCache(config=self.config) if is_new else cache

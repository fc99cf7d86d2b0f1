"""A vanilla transformer: a decoder or an encoder of texts whose parts are chosen one by one.

It holds what transformer-lens's HookedTransformer and the small models of research are: attention alone or with MLPs,
any norm or none, heads of any width, answers of a vocabulary of their own.
"""

from typing import Any

from jaxtyping import Int
from torch import Tensor, nn
from transformers import GenerationMixin
from transformers.cache_utils import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.modeling_utils import slice_logits_to_keep
from transformers.utils.generic import can_return_tuple

from headscope.models.vanilla.config import VanillaConfig
from headscope.models.vanilla.residuals import Embedded, Ids, VanillaModel, VanillaPreTrainedModel


class VanillaTransformer(VanillaPreTrainedModel, GenerationMixin):
    """The same with logits; a loss is of the next token where the model is causal, else of the labels' own places."""

    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.model = VanillaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.output_vocab_size, bias=config.lm_head_bias)
        self.loss_type = "ForCausalLM" if config.continues_texts else "ForMaskedLM"
        self.post_init()

    @classmethod
    def from_config(cls, config: VanillaConfig, **kwargs: object) -> "VanillaTransformer":
        """A fresh model, as transformers' Auto classes make theirs."""
        return cls._from_config(config, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: Ids | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Int[Tensor, "#batch pos"] | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Embedded | None = None,
        labels: Ids | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits [batch, pos, output_vocab_size], and the loss of labels."""
        given = {"attention_mask": attention_mask, "position_ids": position_ids, "past_key_values": past_key_values}
        result = self.model(input_ids, inputs_embeds=inputs_embeds, use_cache=use_cache, **given, **kwargs)
        logits = self.lm_head(slice_logits_to_keep(result.last_hidden_state, logits_to_keep))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, vocab_size=self.config.output_vocab_size, **kwargs)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=result.past_key_values,
            hidden_states=result.hidden_states,
            attentions=result.attentions,
        )

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """As transformers generates. Raises ValueError for a model whose answers do not continue a text."""
        if not self.config.continues_texts:
            raise ValueError(
                "generate continues a text with a causal model's tokens; this one is "
                + ("bidirectional" if self.config.answers_tokens else "of answers that are no tokens")
            )
        return GenerationMixin.generate(self, *args, **kwargs)  # type: ignore[arg-type]

"""The config of a vanilla transformer: plain numbers and words, as config.json holds them."""

from typing import Any, Literal, no_type_check

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.activations import ACT2FN

from headscope.models.io.near_names import known_names

Norm = Literal["layer_norm", "rms_norm", "none"]
Positions = Literal["learned", "rotary", "none"]


@no_type_check  # strict checks the fields, and a config takes transformers' own besides
@strict
class VanillaConfig(PreTrainedConfig):
    """Sizes and parts of a transformer whose blocks read the residual through a norm and add to it.

    output_vocab_size: how many answers the logits are of; None: the tokens. head_dim: free, None divides hidden_size.
    is_causal: whether a token sees only those before it. attention_only: no MLPs. norm: what every block reads through,
    with gain and bias or without; final_norm: what the unembedding does, None: the same. attention_scale: the factor of
    q · k; None: 1/√head_dim. attention_bias: of queries, keys, values and outputs. position_embedding: rotary turns
    queries and keys as rope_parameters say. Raises ValueError for heads that do not share keys evenly, an unknown
    activation, and tied embeddings of two vocabularies.
    """

    model_type = "vanilla_transformer"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012

    vocab_size: int = 50257
    output_vocab_size: int | None = None
    hidden_size: int = 512
    num_hidden_layers: int = 2
    num_attention_heads: int = 8
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    is_causal: bool = True
    attention_only: bool = False
    intermediate_size: int | None = None
    hidden_act: str = "gelu_new"
    norm: Norm = "layer_norm"
    final_norm: Norm | None = None
    norm_gain: bool = True
    norm_bias: bool = True
    norm_eps: float = 1e-5
    position_embedding: Positions = "learned"
    max_position_embeddings: int = 1024
    rope_parameters: dict[str, Any] | None = None
    attention_scale: float | int | None = None
    attention_bias: bool = True
    mlp_bias: bool = True
    lm_head_bias: bool = True
    attention_dropout: float | int = 0.0
    initializer_range: float = 0.02
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: object) -> None:
        heads = self.num_attention_heads
        self.output_vocab_size = self.output_vocab_size or self.vocab_size
        self.num_key_value_heads = self.num_key_value_heads or heads
        self.head_dim = self.head_dim or self.hidden_size // heads
        self.intermediate_size = self.intermediate_size or 4 * self.hidden_size
        self.final_norm = self.final_norm or self.norm
        if heads % self.num_key_value_heads:
            raise ValueError(f"{heads} heads do not share {self.num_key_value_heads} keys and values evenly")
        if self.hidden_act not in ACT2FN:
            known = known_names(self.hidden_act, ACT2FN)
            raise ValueError(f"unknown activation {self.hidden_act!r}; known: {known}")
        if self.tie_word_embeddings and not self.answers_tokens:
            sizes = f"{self.vocab_size} tokens and {self.output_vocab_size} answers"
            raise ValueError(f"tied embeddings have one vocabulary; got {sizes}")
        super().__post_init__(**kwargs)

    def convert_rope_params_to_dict(self, **kwargs: object) -> dict[str, object]:
        """As transformers does, where queries and keys are turned; elsewhere there are no such parameters."""
        return super().convert_rope_params_to_dict(**kwargs) if self.position_embedding == "rotary" else kwargs

    @property
    def answers_tokens(self) -> bool:
        """Whether the logits are of as many answers as there are tokens."""
        return self.output_vocab_size == self.vocab_size

    @property
    def continues_texts(self) -> bool:
        """Whether its answer is the next token of a text."""
        return self.is_causal and self.answers_tokens

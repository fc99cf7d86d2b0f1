"""A vanilla transformer behind transformer-lens's hooks: its parts are those that its config names."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, ones_like
from transformer_lens.model_bridge.generalized_components import (
    BlockBridge,
    EmbeddingBridge,
    LayerNormPreBridge,
    LinearBridge,
    NormalizationBridge,
    PosEmbedBridge,
    PositionEmbeddingsAttentionBridge,
    RMSNormPreBridge,
    RotaryEmbeddingBridge,
    UnembeddingBridge,
)
from transformer_lens.model_bridge.supported_architectures.starcoder2 import Starcoder2ArchitectureAdapter

from headscope.models.hooked.attention import with_variant
from headscope.models.vanilla.config import Norm, VanillaConfig

Residual = Float[Tensor, "batch pos d_model"]
OF_AN_MLP = ("hook_mlp_in", "hook_mlp_out", "hook_resid_mid")
# What transformer-lens calls them
WORDS = {"layer_norm": "LN", "rms_norm": "RMS", "none": None}
POSITIONS = {"learned": "standard", "rotary": "rotary", "none": "none"}


class AbsentNorm(NormalizationBridge):
    """Where there is no norm: the residual as it is, over a scale of 1 that hooks may edit."""

    def forward(self, hidden_states: Residual, **kwargs: Any) -> Residual:
        """What the next projection reads."""
        residual = self.hook_in(hidden_states)
        scale = self.hook_scale(ones_like(residual[..., :1]))
        return self.hook_out(self.hook_normalized(residual / scale))


class VariantVanilla(Starcoder2ArchitectureAdapter):
    """transformer-lens's adapter of biased projections and grouped keys, with the parts that the model has."""

    def prepare_model(self, hf_model: Any) -> None:
        """Read the parts off the model's config."""
        config: Any = hf_model.config
        self.supports_generation = self.supports_causal_loss = config.continues_texts
        self.supports_fold_ln = self.supports_center_writing_weights = config.final_norm == config.norm != "none"
        self.cfg.normalization_type = normalization(config, config.norm)
        self.cfg.final_rms = config.final_norm == "rms_norm"
        self.cfg.eps = config.norm_eps
        self.cfg.attn_only = config.attention_only
        self.cfg.attention_dir = "causal" if config.is_causal else "bidirectional"
        self.cfg.d_vocab_out = config.output_vocab_size
        self.cfg.positional_embedding_type = POSITIONS[config.position_embedding]
        self.component_mapping = {
            "embed": EmbeddingBridge(name="model.embed_tokens"),
            **self._positions(config),
            "blocks": self._blocks(config),
            "ln_final": self._norm(config, config.final_norm, "model.norm"),
            "unembed": UnembeddingBridge(name="lm_head", config=self.cfg),
        }

    def _positions(self, config: VanillaConfig) -> dict[str, Any]:
        if config.position_embedding == "learned":
            return {"pos_embed": PosEmbedBridge(name="model.embed_positions")}
        rotary = config.position_embedding == "rotary"
        return {"rotary_emb": RotaryEmbeddingBridge(name="model.rotary_emb", config=self.cfg)} if rotary else {}

    def _blocks(self, config: VanillaConfig) -> BlockBridge:
        projections: Any = {name: LinearBridge(name=f"{name}_proj") for name in "qkvo"}
        seam: Any = with_variant(PositionEmbeddingsAttentionBridge)  # without position embeddings, nothing is rotated
        parts = {
            "ln1": self._norm(config, config.norm, "input_layernorm"),
            "attn": seam(name="self_attn", config=self.cfg, submodules=projections),
        }
        if not config.attention_only:
            parts["ln2"] = self._norm(config, config.norm, "post_attention_layernorm")
            parts["mlp"] = self._ungated_mlp()
        blocks = BlockBridge(name="model.layers", config=self.cfg, submodules=parts)
        if config.attention_only:
            blocks.hook_aliases = {name: place for name, place in blocks.hook_aliases.items() if name not in OF_AN_MLP}
        return blocks

    def _norm(self, config: VanillaConfig, kind: Norm, name: str) -> NormalizationBridge:
        if kind == "none":
            return AbsentNorm(name=name, config=self.cfg)
        if not config.norm_gain:
            return (RMSNormPreBridge if kind == "rms_norm" else LayerNormPreBridge)(name=name, config=self.cfg)
        is_rms = kind == "rms_norm"
        return NormalizationBridge(name, self.cfg, use_native_layernorm_autograd=True, uses_rms_norm=is_rms)


def normalization(config: VanillaConfig, kind: Norm) -> str | None:
    """What transformer-lens calls a norm: without gain, one that was folded into what reads it."""
    word = WORDS[kind]
    return word if word is None or config.norm_gain else f"{word}Pre"

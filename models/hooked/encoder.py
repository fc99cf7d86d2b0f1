"""A vision transformer behind transformer-lens's hooks, its attention formed step by step as that of a decoder."""

from transformer_lens.model_bridge.generalized_components import PositionEmbeddingsAttentionBridge
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent
from transformer_lens.model_bridge.supported_architectures.vit import ViTArchitectureAdapter

from headscope.models.hooked.attention import with_variant


class VariantViT(ViTArchitectureAdapter):
    """transformer-lens's adapter, whose own attention shows a pattern that edits do not reach."""

    def _build_component_mapping(self, prefix: str, with_classifier: bool) -> dict[str, GeneralizedComponent]:
        mapping = super()._build_component_mapping(prefix, with_classifier)
        parts = mapping["blocks"].submodules
        seam = with_variant(PositionEmbeddingsAttentionBridge)  # without position embeddings, nothing is rotated
        parts["attn"] = seam(name="attention", config=self.cfg, submodules=parts["attn"].submodules)
        return mapping

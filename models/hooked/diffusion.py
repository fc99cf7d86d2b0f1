"""A U-ViT behind transformer-lens's hooks, its blocks numbered from the first on the way in to the last on the way out.

`bridge(noisy, timestep=…, label=…)` gives the noise. blocks.N.hook_resid_pre is what leaves the block before, and
blocks.N.hook_resid_post what this one leaves; a block on the way out takes its twin's in between.
"""

from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent

from headscope.models.hooked.encoder import VariantViT


class VariantUViT(VariantViT):
    """The adapter of a U-ViT, whose blocks are those of a vision transformer."""

    def _build_component_mapping(self, prefix: str, with_classifier: bool) -> dict[str, GeneralizedComponent]:
        mapping = super()._build_component_mapping(prefix, with_classifier)
        return {**mapping, "embed": GeneralizedComponent(name="embeddings")}

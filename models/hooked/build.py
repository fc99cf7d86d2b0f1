"""From a Hugging Face model with attention variants to a hooked model."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.architecture_adapter import ArchitectureAdapter
from transformer_lens.model_bridge.generalized_components import JointGateUpMLPBridge, JointQKVAttentionBridge
from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from headscope.models.hooked.attention import with_variant
from headscope.models.hooked.bridge import HookedBridge
from headscope.models.hooked.diffusion import VariantUViT
from headscope.models.hooked.door import guard
from headscope.models.hooked.encoder import VariantViT
from headscope.models.hooked.image_door import guard_images
from headscope.models.hooked.joined_embeddings import WithoutJoinedEmbeddings
from headscope.models.hooked.measured import MEASURED, measure, measured_config, register_measured
from headscope.models.hooked.tokenizer import give_tokenizer
from headscope.models.hooked.turns import Turns
from headscope.models.hooked.vanilla import VariantVanilla
from headscope.models.hosts.adapters import refuse_fused_adapters
from headscope.models.hosts.attachment import attach, attachment_of, refuse_drift
from headscope.models.hosts.attention_function import NAME
from headscope.models.hosts.carried import refuse_other_models
from headscope.models.hosts.families import family_of, modality_of
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.seam.construction import without_initialisation
from headscope.models.seam.own_attention import set_implementation

DOORS = {"text": guard, "masked text": guard, "image": guard_images, "noisy image": guard_images}
# What transformer-lens takes a family for, and the adapter that knows it: by default that of transformer-lens.
ARCHITECTURES = {"uvit": "ViTModel", "vanilla_transformer": "Starcoder2ForCausalLM"}
ADAPTERS = {"vit": VariantViT, "uvit": VariantUViT, "vanilla_transformer": VariantVanilla}


def hooked(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None) -> HookedBridge:
    """The model behind transformer-lens's hooks, which carry the variants that `attach` hung on it.

    The model is wrapped in place: from then on use the hooked model, and hf_state_dict(hooked model) for its weights.
    A model that nothing was attached to is softmax. Without a tokenizer the hooked model works with ids.
    hook_result, each head's part of the output, is there after set_use_attn_result(True), as in transformer-lens.
    A bare encoder gives its last hidden state in the place of logits.
    Raises ValueError for a family that is not supported, a decoder without a head, one hooked already, one whose
    config names a variant that is not attached, a GPT-NeoX without attention biases, and an adapter on a fused
    projection.
    """
    if not isinstance(model, TransformerBridge):
        refuse_other_models("hooked", model)
    if any(isinstance(module, GeneralizedComponent) for module in model.modules()):
        raise ValueError("this model is hooked already: its modules were wrapped in place; use the hooked model")
    refuse_headless(model)
    refuse_missing_biases(model)
    refuse_unknown_parts(model.config)
    refuse_drift(model)
    if attachment_of(model) is None:
        attach(model, AttentionSpec("softmax"))
    names = tuple(model.state_dict())
    is_listed = family_of(model.config.model_type).is_listed
    # Projections that transformer-lens splits need no numbers of their own: it sets them from the fused one.
    with without_initialisation(), joined_when_asked(model):
        bridge: Any = listed_bridge(model) if is_listed else measured_bridge(model)
    set_implementation(model, NAME)  # transformer-lens switches some families to eager attention, which is softmax
    bridge.__class__ = HookedBridge
    bridge.hf_names = names
    bridge.turns = Turns()
    give_sizes(bridge, model)
    DOORS[modality_of(model).reads](model)
    if tokenizer is not None:
        give_tokenizer(bridge, tokenizer)
    return bridge


def give_sizes(bridge: Any, model: PreTrainedModel) -> None:
    """The sizes that transformer-lens does not know: of models of images, and that a bare encoder has no answers."""
    modality = modality_of(model)
    if not modality.reads_ids:
        classes: Any = {} if modality.is_bare(model) else model.config.id2label
        bridge.cfg.n_ctx, bridge.cfg.d_vocab = modality.context(model.config), len(classes)
        bridge.cfg.d_vocab_out = len(classes)
        bridge.cfg.classes = tuple(classes[number] for number in sorted(classes))
    elif modality.is_bare(model):
        bridge.cfg.d_vocab_out = 0


def joined_when_asked(model: PreTrainedModel) -> AbstractContextManager[object]:
    """Embeddings of tokens are not joined while a bridge is built; other models have none."""
    if not modality_of(model).reads_ids:
        return nullcontext()
    return WithoutJoinedEmbeddings(next(model.get_input_embeddings().parameters()))


def listed_bridge(model: PreTrainedModel) -> TransformerBridge:
    """A bridge by transformer-lens's own adapter of the family, its attention with the layers' variants."""
    return build_bridge_from_module(
        model,
        ARCHITECTURES.get(model.config.model_type, type(model).__name__),
        hf_config=model.config,
        model_name=bridge_name(model),
        post_adapter_hook=partial(prepare, model),
    )


def measured_bridge(model: PreTrainedModel) -> TransformerBridge:
    """A bridge by what the parts of the model were seen to do, its attention as transformers wrote it."""
    register_measured()
    config = measured_config(model)
    hook = partial(measure, model)
    return build_bridge_from_module(
        model, MEASURED, tl_config=config, model_name=bridge_name(model), post_adapter_hook=hook
    )


def bridge_name(model: PreTrainedModel) -> str:
    """What transformer-lens calls the model."""
    return model.config.name_or_path or type(model).__name__


def refuse_headless(model: PreTrainedModel) -> None:
    """Raise ValueError for a model that does not end in logits, unless its family is opened without a head too."""
    modality = modality_of(model)
    if not (modality.is_headed(model) or modality.is_bare(model)):
        raise ValueError(f"hooked takes {modality.kind}, which a {type(model).__name__} without head is not")


def refuse_missing_biases(model: PreTrainedModel) -> None:
    """transformer-lens splits GPT-NeoX's fused projection together with its bias, and fails inside without one."""
    if model.config.model_type == "gpt_neox" and not model.config.attention_bias:
        raise ValueError(
            "hooked splits GPT-NeoX's query_key_value with its bias, which attention_bias=False leaves out: "
            "set the biases to zero instead, or use the attached model without hooks"
        )


def refuse_unknown_parts(config: PreTrainedConfig) -> None:
    """transformer-lens reads these two families' queries and keys in one way only, and fails inside for the other."""
    if config.model_type == "gpt_bigcode" and not config.multi_query:
        raise ValueError(
            "hooked splits GPT-BigCode's c_attn as one key and value head for all queries, which multi_query=False is "
            "not: use the attached model without hooks"
        )
    if config.model_type == "phi" and config.qk_layernorm:
        raise ValueError(
            "hooked knows no norms on Phi's queries and keys, which qk_layernorm=True has: use the attached model "
            "without hooks"
        )


def prepare(model: PreTrainedModel, adapter: ArchitectureAdapter) -> None:
    """What is to be done before the model is wrapped: refuse what would be lost, and put the variants in."""
    refuse_fused_adapters(model, split_names(adapter))
    use_variants(model.config.model_type, adapter)


def split_names(adapter: ArchitectureAdapter) -> list[str | None]:
    """The names of the projections that transformer-lens splits into plain ones when it wraps a model."""
    parts = adapter.components["blocks"].submodules
    attention = [part.submodules["qkv"].name for part in parts.values() if isinstance(part, JointQKVAttentionBridge)]
    return attention + [part.fused_attr for part in parts.values() if isinstance(part, JointGateUpMLPBridge)]


def use_variants(model_type: str, adapter: ArchitectureAdapter) -> None:
    """The adapter's attention bridge weighs its scores with the layer's variant."""
    if model_type in ADAPTERS:
        adapter.__class__ = ADAPTERS[model_type]
        return
    attention = adapter.components["blocks"].submodules["attn"]
    attention.__class__ = with_variant(type(attention))

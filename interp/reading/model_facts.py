"""Model facts: the few numbers that introduce a model."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from headscope.interp.reading.activations import BY_ENTRY
from headscope.interp.reading.hooked_model import HookedModel, has_first_token, head_layers, looks_back, tokenizer_of
from headscope.interp.reading.mechanisms import GATE, mechanisms
from headscope.interp.reading.prompt import answers_tokens, classes_of, is_headed
from headscope.interp.results.gauges import Gauge, kernel_gauges, merged_gauges
from headscope.models.attention import VARIANTS, variant_named
from headscope.models.attention.gate import PAPER as GATE_PAPER
from headscope.models.attention.options import Options
from headscope.models.checkpoints.opening import PLAIN
from headscope.models.data.images.processed import processor_of, processor_words
from headscope.models.hosts.attention_layer import AttentionLayer
from headscope.models.hosts.families import family_of
from headscope.models.hosts.modality import MODALITIES, Modality, Reads
from headscope.models.hosts.words import ANSWER_WORDS, PATCH_WORDS, Words
from headscope.models.io.fields import Fields
from headscope.models.seam.input_sizes import CLASS_TOKEN, leading_tokens, patch_grid, two_sides


@dataclass(frozen=True)
class ModelFacts:
    """The attention variant and its source, the variant of every layer and its options, and sizes.

    layer_variants: empty where a layer has no attention (hybrids). heads: of a layer that has some.
    parameters: shared ones are counted once. soft_cap: c of a model whose logits are c tanh(x / c) (Gemma 2).
    gauges: which changes of weights leave the model's function alone. is_causal: tokens see those before them alone.
    answers: how many its logits are of, where they are neither tokens nor classes. reads: "text" or "image";
    then grid has the rows and columns of patches, image_size the channels, height and width, and classes the names of
    what vocabulary counts; pictures: how the model's folder says that pictures are read, where it says so. opened_as:
    what a file of others' code was taken for, and what was assumed of it. not_finite: a sentence for every layer whose
    weights held NaN or infinity when the model was opened. is_headed: it ends in logits. mask: the token that stands
    for what a masked language model is asked, and mask_id, where a tokenizer names one. leading: the tokens before the
    patches of an image. reads_mixers: of a hybrid's layers without attention, whose mixers stand for heads.
    gated_by_entry: whether heads' outputs are multiplied entry by entry before W_O.
    mechanisms: what makes its attention more than softmax, and can be taken out of a head. gated_layers: of those
    with heads, in which the output of every head is multiplied by a gate.
    """

    variant: str
    paper: str
    non_negative: bool
    layer_variants: tuple[str, ...]
    layer_options: tuple[Options, ...]
    gauges: tuple[Gauge, ...]
    heads: int
    d_model: int
    context: int
    vocabulary: int
    parameters: int
    has_tokenizer: bool
    has_bos: bool
    soft_cap: float | None
    is_causal: bool = True
    answers: int | None = None
    reads: Reads = "text"
    grid: tuple[int, int] | None = None
    image_size: tuple[int, int, int] | None = None
    classes: tuple[str, ...] = ()
    pictures: str = ""
    opened_as: str = ""
    not_finite: tuple[str, ...] = ()
    is_headed: bool = True
    mask: str = ""
    mask_id: int | None = None
    leading: tuple[str, ...] = ()
    reads_mixers: bool = False
    gated_by_entry: bool = False
    mechanisms: tuple[str, ...] = ()
    gated_layers: tuple[int, ...] = ()

    @property
    def layer_mechanisms(self) -> tuple[str, ...]:
        """What titles call the attention of every layer: its variant, with its gate."""
        named = enumerate(self.layer_variants)
        return tuple(f"gated {variant}" if layer in self.gated_layers else variant for layer, variant in named)

    @property
    def mechanism(self) -> str:
        """The same of the layers that have the model's variant."""
        return self.layer_mechanisms[self.layer_variants.index(self.variant)]

    @property
    def head_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that have heads."""
        return tuple(layer for layer, variant in enumerate(self.layer_variants) if variant)

    @property
    def middle_layer(self) -> int:
        """The middle one of the variant's layers, which is looked at where no other is chosen."""
        own = [layer for layer, variant in enumerate(self.layer_variants) if variant == self.variant]
        return own[len(own) // 2]

    @property
    def mixed_without_heads(self) -> str:
        """Which layers mix tokens by another way than heads, as the end of a sentence, or nothing."""
        others = ", ".join(str(layer) for layer, variant in enumerate(self.layer_variants) if not variant)
        return f"in the layers {others} of this model tokens are mixed without them" if others else ""

    @property
    def hidden_additions(self) -> str:
        """Why no weight says what it adds to the residual stream, as the end of a sentence, or nothing."""
        return f"asks what a weight adds, and what the heads of this model put out {BY_ENTRY}" * self.gated_by_entry

    @property
    def learns_temperatures(self) -> bool:
        """Whether layers may have learned temperatures."""
        names = {*self.layer_variants} & {*VARIANTS}
        return not self.reads_mixers and any(variant_named(name).learns_temperatures for name in names)

    @property
    def modality(self) -> Modality:
        """What the model reads and answers."""
        return MODALITIES[self.reads]

    @property
    def words(self) -> Words:
        """What sentences call a prompt of it and its parts."""
        if self.modality.asks_masks:
            return self.modality.words if self.is_headed else ANSWER_WORDS
        if self.modality.reads_ids:
            return self.modality.words if self.continues_texts else ANSWER_WORDS
        return self.modality.words if CLASS_TOKEN in self.leading else PATCH_WORDS

    @property
    def continues_texts(self) -> bool:
        """Whether its answers are the tokens that come next."""
        return self.modality.continues_texts and self.is_causal and self.answers is None


def gates_entries(attention: Any) -> bool:
    """Whether what the heads of a layer put out is multiplied entry by entry before W_O."""
    layer: AttentionLayer = attention.layer
    own = hasattr(attention, "hook_gate") and not layer.has_factor  # the model's, which has one of every entry
    return own or (layer.gate is not None and layer.gate.by_entry)


def model_facts(model: HookedModel) -> ModelFacts:
    """The facts of an opened model (a TransformerBridge with its attention_spec), or those that a view of one has.

    Raises ValueError for a diffusion model, of which other things are known.
    """
    if isinstance(facts := getattr(model, "facts", None), ModelFacts):
        return facts
    if family_of(model.original_model.config.model_type).modality.removes_noise:
        raise ValueError(
            "this is a diffusion model: headscope.interp.diffusion reads it, and the app on its page Diffusion"
        )
    cfg, spec, tokenizer = model.cfg, model.attention_spec, tokenizer_of(model)
    with_heads = head_layers(model)
    chosen = spec.by_layer(cfg.n_layers, with_heads)
    variants = {layer: chosen[layer].variant if layer in chosen else "softmax" for layer in with_heads}
    return ModelFacts(
        variant=spec.variant,
        non_negative=all(variant_named(part.variant).non_negative for part in spec.parts),
        layer_variants=tuple(variants.get(layer, "") for layer in range(cfg.n_layers)),
        layer_options=tuple(dict(chosen[at].options) if at in chosen else {} for at in range(cfg.n_layers)),
        gauges=model_gauges(model),
        heads=cfg.n_heads,
        d_model=cfg.d_model,
        context=cfg.n_ctx,
        vocabulary=cfg.d_vocab,
        parameters=sum(p.numel() for p in model.parameters()),
        has_tokenizer=tokenizer is not None,
        has_bos=tokenizer is not None and has_first_token(model, tokenizer),
        soft_cap=getattr(model.original_model.config, "final_logit_softcapping", None),
        is_causal=looks_back(model),
        answers=None if answers_tokens(model) or not is_headed(model) else cfg.d_vocab_out,
        is_headed=is_headed(model),
        gated_by_entry=any(gates_entries(model.blocks[layer].attn) for layer in with_heads),
        classes=classes_of(model),
        not_finite=getattr(cfg, "not_finite", ()),
        opened_as="" if (words := getattr(cfg, "opened_as", PLAIN)) == PLAIN else words,
        **mechanism_facts(model),
        **image_facts(model.original_model),
        **mask_facts(model),
    )


def mechanism_facts(model: HookedModel) -> Fields:
    """What makes its attention more than softmax, and who described it."""
    layers, paper = mechanisms(model), variant_named(model.attention_spec.variant).paper
    gated = layers.get(GATE, ())
    return {
        "mechanisms": tuple(layers),
        "gated_layers": gated,
        "paper": f"{paper}; gate: {GATE_PAPER}" if gated else paper,
    }


def mask_facts(model: HookedModel) -> Fields:
    """What is known besides of a model that is asked for what stands at a mask."""
    tokenizer, modality = tokenizer_of(model), family_of(model.original_model.config.model_type).modality
    if not modality.asks_masks:
        return {}
    named = tokenizer is not None and tokenizer.mask_token_id is not None and is_headed(model)
    return {"reads": modality.reads} | (
        {"mask": str(tokenizer.mask_token), "mask_id": tokenizer.mask_token_id} if tokenizer and named else {}
    )


def image_facts(model: PreTrainedModel) -> Fields:
    """What is known of a model of images besides."""
    config, processor = model.config, processor_of(model)
    if family_of(config.model_type).modality.reads_ids:
        return {}
    return {
        "reads": "image",
        "grid": patch_grid(config),
        "leading": leading_tokens(config),
        "image_size": (config.num_channels, *two_sides(config.image_size)),
        "pictures": "" if processor is None else processor_words(processor),
    }


def model_gauges(model: HookedModel) -> tuple[Gauge, ...]:
    """Those of all its layers, and of its logits."""
    of_logits: tuple[Gauge, ...] = ("logits",) if has_free_logits(model) else ()
    return merged_gauges([*(layer_gauges(model.blocks[layer].attn) for layer in head_layers(model)), of_logits])


def layer_gauges(attention: Any) -> tuple[Gauge, ...]:
    """Those of one layer of a hooked model."""
    layer, config = attention.layer, attention.attention_module.config
    is_capped = getattr(config, "attn_logit_softcapping", None) is not None
    own = kernel_gauges(layer.variant.name, layer.options, is_capped=is_capped, is_rotated=turns_every_entry(config))
    of_layer: dict[Gauge, bool] = {
        "query_key": not layer.reads_queries,
        "basis": not (layer.reads_values or gates_entries(attention) or layer.norms_output),
    }
    return (*own, *(gauge for gauge, there in of_layer.items() if there))


def has_free_logits(model: HookedModel) -> bool:
    """Whether a vector may be added to every column of W_U: without a soft cap, and where W_E is not tied to it.

    Learned positions can take such a vector off again.
    """
    config = model.original_model.config
    is_free = (
        not family_of(config.model_type).modality.reads_ids
        or not config.tie_word_embeddings
        or hasattr(model, "pos_embed")
    )
    return is_free and getattr(config, "final_logit_softcapping", None) is None


def turns_every_entry(config: PreTrainedConfig) -> bool:
    """Whether a decoder turns queries and keys with their position in all their entries (GPT-NeoX: in some)."""
    rotation = getattr(config, "rope_parameters", None)
    return rotation is not None and rotation.get("partial_rotary_factor", 1.0) == 1.0

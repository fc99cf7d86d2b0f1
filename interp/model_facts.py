"""Model facts: the few numbers that introduce a model."""

from dataclasses import dataclass
from typing import Any

from interp.hooked_model import tokenizer_of
from models.attention import variant_named


@dataclass(frozen=True)
class ModelFacts:
    """The attention variant, its source, the variant of every layer, and sizes; shared parameters are counted once."""

    variant: str
    paper: str
    non_negative: bool
    layer_variants: tuple[str, ...]
    heads: int
    d_model: int
    context: int
    vocabulary: int
    parameters: int
    has_tokenizer: bool
    has_bos: bool


def model_facts(model: Any) -> ModelFacts:
    """The facts of an opened model (a TransformerBridge with its attention_spec)."""
    cfg, spec, tokenizer = model.cfg, model.attention_spec, tokenizer_of(model)
    chosen = spec.chosen(cfg.n_layers)
    return ModelFacts(
        variant=spec.variant,
        paper=variant_named(spec.variant).paper,
        non_negative=variant_named(spec.variant).non_negative,
        layer_variants=tuple(spec.variant if layer in chosen else "softmax" for layer in range(cfg.n_layers)),
        heads=cfg.n_heads,
        d_model=cfg.d_model,
        context=cfg.n_ctx,
        vocabulary=cfg.d_vocab,
        parameters=sum(p.numel() for p in model.parameters()),
        has_tokenizer=tokenizer is not None,
        has_bos=tokenizer is not None and tokenizer.bos_token_id is not None,
    )

"""Model facts: the few numbers that introduce a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interp.about import Gauge
from interp.hooked_model import tokenizer_of
from models.attention import variant_named
from models.spec import AttentionSpec


@dataclass(frozen=True)
class ModelFacts:
    """The attention variant, its source and options, the variant of every layer, and sizes.

    parameters: shared ones are counted once. soft_cap: c of a model whose logits are c tanh(x / c) (Gemma 2).
    gauges: which changes of weights leave the model's function alone.
    """

    variant: str
    paper: str
    non_negative: bool
    layer_variants: tuple[str, ...]
    options: Mapping[str, Any]
    gauges: tuple[Gauge, ...]
    heads: int
    d_model: int
    context: int
    vocabulary: int
    parameters: int
    has_tokenizer: bool
    has_bos: bool
    soft_cap: float | None


def model_facts(model: Any) -> ModelFacts:
    """The facts of an opened model (a TransformerBridge with its attention_spec)."""
    cfg, spec, tokenizer = model.cfg, model.attention_spec, tokenizer_of(model)
    chosen = spec.chosen(cfg.n_layers)
    return ModelFacts(
        variant=spec.variant,
        paper=variant_named(spec.variant).paper,
        non_negative=variant_named(spec.variant).non_negative,
        layer_variants=tuple(spec.variant if layer in chosen else "softmax" for layer in range(cfg.n_layers)),
        options=dict(spec.options),
        gauges=gauges_of(spec, is_capped=bool(getattr(model.original_model.config, "attn_logit_softcapping", None))),
        heads=cfg.n_heads,
        d_model=cfg.d_model,
        context=cfg.n_ctx,
        vocabulary=cfg.d_vocab,
        parameters=sum(p.numel() for p in model.parameters()),
        has_tokenizer=tokenizer is not None,
        has_bos=tokenizer is not None and tokenizer.bos_token_id is not None,
        soft_cap=getattr(model.original_model.config, "final_logit_softcapping", None),
    )


def gauges_of(spec: AttentionSpec, *, is_capped: bool = False) -> tuple[Gauge, ...]:
    """The gauges of a variant with its options; is_capped: a soft cap on the scores leaves polynomials no free scale.

    A learned coefficient c has a free sign, (c, W_V) → −(c, W_V), whatever the power.
    """
    parity = variant_named(spec.variant).parity(spec.options)
    gauges: list[Gauge] = ["basis"]
    if parity is not None:
        gauges.append(parity)
    if spec.options.get("learned"):
        gauges.append("odd")
    if spec.variant == "polynomial" and not is_capped:
        gauges.append("scale")
    return tuple(dict.fromkeys(gauges))

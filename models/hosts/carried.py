"""A model carries what it says: the variant is refused where something else has come into its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import nn
from transformers import PreTrainedModel

from headscope.models.hosts.attention_function import NAME
from headscope.models.hosts.attention_layer import variant_on
from headscope.models.hosts.families import attention_modules, layers_with_attention
from headscope.models.hosts.spec import AttentionSpec, mixed
from headscope.models.seam.handed_part import handed_part

UNGUARDED: ContextVar[bool] = ContextVar("UNGUARDED", default=False)
INNER = {"get_base_model": "model.get_base_model()", "_orig_mod": "model._orig_mod", "module": "model.module"}


def refuse_other_models(verb: str, model: object) -> None:
    """Raise ValueError for what is no transformers model, with the place of the one inside where there is one."""
    if isinstance(model, PreTrainedModel):
        return
    inside = next((place for name, place in INNER.items() if hasattr(model, name)), None)
    if hasattr(model, "original_model"):
        advice = "which is hooked already: its modules were wrapped in place; load the plain model again"
    else:
        advice = "which is none" if inside is None else f"which holds one: give {inside}"
    raise ValueError(f"{verb} takes a transformers model; got a {type(model).__name__}, {advice}")


@contextmanager
def unguarded() -> Iterator[None]:
    """A model may compute transformers' own attention inside, as a reference."""
    token = UNGUARDED.set(True)
    try:
        yield
    finally:
        UNGUARDED.reset(token)


def refuse_other_implementation(variant: str, base: PreTrainedModel, args: object = (), kwargs: object = None) -> None:
    """Raise ValueError where transformers was told to compute another attention; a hooked model computes its own."""
    implementation = base.config._attn_implementation
    if implementation != NAME and not UNGUARDED.get() and not is_hooked(next(attention_modules(base))):
        raise ValueError(
            f"this model carries {variant}, but its attention implementation was set to {implementation!r}, which is "
            f"softmax: model.set_attn_implementation({NAME!r}) gives {variant} back, detach(model) takes it out"
        )


def refuse_other_layers(spec: AttentionSpec, model: PreTrainedModel) -> None:
    """Raise ValueError where a layer carries another variant than the spec gives it: the layers were changed."""
    layers = layers_with_attention(model)
    chosen = spec.by_layer(layers.count, layers.numbers)
    for number, module in zip(layers.numbers, attention_modules(model), strict=True):
        inner = getattr(module, "original_component", module)
        expected = variant_on(inner, chosen[number].variant if number in chosen else "softmax")
        layer = getattr(inner, "variant", None)
        if layer is None or layer.variant.name != expected:
            carried = "nothing" if layer is None else layer.variant.name
            raise ValueError(
                f"layer {number} of this model is to be {expected} and carries {carried}: its layers were changed "
                "after attach; attach the variant again"
            )


def refuse_lost_variant(model: PreTrainedModel) -> None:
    """Plain transformers reads the spec in config.json, but attaches nothing: such a model computes softmax."""
    stored = getattr(model.config, "attention_spec", None)
    softmax = AttentionSpec("softmax")
    spec = softmax if stored is None else AttentionSpec.from_json(stored)
    is_plain = all(part.variant == "softmax" and part.gate is None for part in spec.parts)
    if not is_plain and spec != own_spec(softmax, model):
        raise ValueError(
            f"config.json says {spec.in_words}, but nothing is attached to this model: attach it, or use load(folder)"
        )


def own_spec(spec: AttentionSpec, model: PreTrainedModel) -> AttentionSpec:
    """The spec, or where layers have sinks of their own, that with the variant that weighs with those for softmax."""
    layers, modules = layers_with_attention(model), attention_modules(model)
    parts = {at: part for at, module in zip(layers.numbers, modules, strict=True) if (part := handed_part(module))}
    if not parts:
        return spec
    softmax, chosen = AttentionSpec("softmax"), spec.by_layer(layers.count, layers.numbers)
    groups: dict[AttentionSpec, list[int]] = {}
    for at in layers.numbers:
        its = chosen.get(at, softmax)
        own = parts[at].variant if at in parts and its.variant == "softmax" else its.variant
        options = its.options if own == its.variant else {}
        groups.setdefault(AttentionSpec(own, gate=its.gate, **options), []).append(at)  # type: ignore[arg-type]
    groups.pop(softmax, None)
    named_first = sorted(groups.items(), key=lambda group: group[0].variant != spec.variant)
    return mixed([part.on("all" if len(at) == len(layers.numbers) else tuple(at)) for part, at in named_first])


def is_hooked(module: nn.Module) -> bool:
    """Whether an attention module was wrapped by a hooked model."""
    return hasattr(module, "original_component")

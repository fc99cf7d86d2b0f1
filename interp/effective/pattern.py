"""Effective pattern: what the output of a layer takes of each token's value, for attention and every other mixer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.effective.attention_layer import attention_layer
from headscope.interp.effective.layer_mixing import LayerMixing
from headscope.interp.effective.mixer_layer import mixer_layers, mixer_places
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.about import About
from headscope.interp.results.head_score import head_name
from headscope.interp.results.result import Result
from headscope.models.hosts.words import Sentence

ABOUT = About(
    title="Effective pattern",
    unit="weight",
    law="a[t, s] = ⟨u_s, (∂o_t/∂v_s v_s) W_O⟩ / ⟨u_s, u_s⟩, u_s = v_s W_O, with scales of norms and value temperatures "
    "frozen; mixing: the same before gates and norms of the output, ∂o_t/∂v_s itself; grey: the key is not seen",
    source="headscope",
    by_gauge={"odd": ("pattern", "mixing"), "scale": ("pattern", "mixing")},
    plain=Sentence(
        "How much each {token} takes from every {token} it sees, whatever mixes them: attention, with its gates, or a "
        "state that goes from {token} to {token}. Blue adds what is read, red subtracts it."
    ),
)


@dataclass(frozen=True, repr=False)
class EffectivePattern(Result):
    """Some rows of some heads; NaN where a key is not seen. kind: what mixes ("Gated DeltaNet", "its attention").

    pattern: with gates and norms between the mixing and W_O, along what the head writes of each token. mixing: before
    them; the two are one where nothing stands between. along: the share of a row that pattern says, Σ_s ‖a[t, s] u_s‖²
    over the same of what reaches the residual stream: 1 without gates, as nothing then points elsewhere than u_s.
    """

    drawn_by = "head_pattern:effective_pattern_figure"

    pattern: Float[Tensor, "head query key"]
    mixing: Float[Tensor, "head query key"]
    along: Float[Tensor, "head query"]
    kind: str
    layer: int


def pattern_of_layer(
    model: HookedModel, prompt: Prompt, layer: int, head: int | None = None, queries: Sequence[int] | None = None
) -> EffectivePattern:
    """The effective pattern of a layer on a prompt, all heads or one, all rows or some, which alone are computed.

    Hooks are state: the caller lets one run in at a time. Raises ValueError for a layer, a head or a position that is
    not there, and for a layer whose mixing is not known.
    """
    rows = row_numbers(len(prompt), queries)
    mixing = mixing_of_layer(model, prompt, layer)
    heads = head_slice(mixing, layer, head)
    plain, seen = mixing.mixing(heads, rows), mixing.weights.visible(rows)
    gated, along = mixing.gated(plain, heads, rows), mixing.along(plain, heads, rows)
    gated, plain = (weights.where(seen, torch.nan) for weights in (gated, plain))
    about = replace(ABOUT, title=f"Effective pattern of layer {layer} ({mixing.kind})", source=mixing.source)
    labels = {
        "head": tuple(head_name(layer, at) for at in range(heads.start, heads.stop)),
        "query": tuple(prompt.strings[at] for at in rows.tolist()),
        "key": prompt.strings,
    }
    return EffectivePattern(gated, plain, along, mixing.kind, layer, about=about, labels=labels)


def mixing_of_layer(model: HookedModel, prompt: Prompt, layer: int) -> LayerMixing:
    """How a layer mixed a prompt: by its heads where it has some. Raises ValueError where that is not known."""
    if layer in head_layers(model):
        return attention_layer(model, prompt, layer)
    places = mixer_places(model)
    if layer not in places:
        known = ", ".join(map(str, sorted({*head_layers(model), *places})))
        raise ValueError(f"layer {layer} was asked for; how tokens are mixed is known of the layers {known}")
    return mixer_layers(model, prompt, {layer: places[layer]})[layer]


def head_slice(mixing: LayerMixing, layer: int, head: int | None) -> slice:
    """The heads that are meant. Raises ValueError for one that the layer does not have."""
    if head is None:
        return slice(0, mixing.heads)
    if not 0 <= head < mixing.heads:
        raise ValueError(f"{head_name(layer, head)} was asked for; layer {layer} has heads 0 to {mixing.heads - 1}")
    return slice(head, head + 1)


def row_numbers(length: int, queries: Sequence[int] | None) -> Int[Tensor, "row"]:
    """The rows that are meant. Raises ValueError for none and for a position that the prompt does not have."""
    rows = range(length) if queries is None else queries
    if strangers := [at for at in rows if not 0 <= at < length]:
        raise ValueError(f"query {strangers[0]} was asked for; the prompt has positions 0 to {length - 1}")
    if not len(rows):
        raise ValueError(f"no query was asked for; the prompt has positions 0 to {length - 1}")
    return torch.tensor(list(rows))

"""Missing mass: the share of a row that goes to no token, of kernels whose weights sum to 1 or less."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headscope.interp.reading.activations import PATTERN, SCORES, Activations
from headscope.interp.reading.hooked_model import HookedModel, head_layers
from headscope.interp.reading.layer_cells import read_layer_by_layer
from headscope.interp.reading.prompt import Prompt
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.rows.measures import entropy
from headscope.models.attention.table import leaves_mass
from headscope.models.hosts.attention_layer import AttentionLayer

ABOUT = About(
    title="Weight into nothing",
    unit="share; entropies in nats",
    law="1 − Σ a of a row, mean over rows; entropies of a / Σ a, and of a with 1 − Σ a beside it",
    source="Miller 2023, Attention is off by one",
    null="the same kernel over scores that are all the row's mean",
    plain="How much of a row a head keeps from every token, which is how such a head does nothing. The null is what it "
    "would keep if it found all tokens alike.",
)


@dataclass(frozen=True, repr=False)
class MissingMass(Result):
    """The mass that no token gets, by head and by query; NaN in layers whose rows sum to one, or to anything.

    entropy: of the weights that tokens get, as shares. entropy_with_nothing: of the row with nothing as one outcome
    more.
    """

    drawn_by = "row_statistics:missing_mass_figure"

    mass: Float[Tensor, "layer head"]
    mass_null: Float[Tensor, "layer head"]
    entropy: Float[Tensor, "layer head"]
    entropy_with_nothing: Float[Tensor, "layer head"]
    by_query: Float[Tensor, "layer head query"]


@torch.no_grad()
def missing_mass(model: HookedModel, prompt: Prompt) -> MissingMass:
    """That of every head on a prompt. Hooks are state: the caller lets one run in at a time.

    Raises ValueError for a model without a layer whose rows may sum to less than 1.
    """
    layers = {number: model.blocks[number].attn for number in head_layers(model)}
    if not any(leaves_mass(attention.layer.variant.name) for attention in layers.values()):
        raise ValueError(f"{ABOUT.title} is asked of rows that may sum to less than 1, and this model has none such")
    parts: dict[int, dict[str, Tensor]] = {}

    def read(run: Activations) -> None:
        [number] = run.head_layers
        assert run.visible is not None  # read with the scores
        parts[number] = mass_of_layer(layers[number], run[PATTERN][0], run[SCORES][0], run.visible[0])

    nothing = Activations(prompt, {}, torch.empty(0, 0), head_layers=tuple(layers))
    read_layer_by_layer(model, nothing, [PATTERN, SCORES], read)
    by_layer = [parts[number] for number in layers]
    fields = {name: torch.stack([part[name] for part in by_layer]) for name in by_layer[0]}
    return MissingMass(**fields, about=ABOUT, labels={"query": prompt.strings})


def mass_of_layer(
    attention: Any,
    pattern: Float[Tensor, "head query key"],
    scores: Float[Tensor, "head query key"],
    visible: Bool[Tensor, "query key"],
) -> dict[str, Tensor]:
    """The fields of one layer."""
    layer: AttentionLayer = attention.layer
    mass = 1 - pattern.sum(-1)
    if not leaves_mass(layer.variant.name):
        nothing = torch.full_like(mass, torch.nan)
        by_head = dict.fromkeys(("mass", "mass_null", "entropy", "entropy_with_nothing"), nothing[..., 0])
        return {**by_head, "by_query": nothing}
    mean = (scores.where(visible, 0.0).sum(-1, keepdim=True) / visible.sum(-1, keepdim=True)).expand_as(scores)
    alike = layer.weigh(mean[None], visible[None, None])[0].cpu()
    whole = torch.cat([pattern, mass[..., None]], -1)
    shares = pattern / pattern.sum(-1, keepdim=True)
    return {
        "mass": mass.mean(-1),
        "mass_null": (1 - alike.sum(-1)).mean(-1),
        "entropy": entropy(shares).nanmean(-1),
        "entropy_with_nothing": entropy(whole).mean(-1),
        "by_query": mass,
    }

"""Spread comparison: how far one token's change reaches in several models, on the same prompt."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.collapse.tokens.perturbation import ABOUT, PerturbationSpread
from headscope.interp.results.result import Result

COMPARED = replace(
    ABOUT,
    title="Spread of one token's change, model beside model",
    unit="share of the null",
    law="reach: the mean over tokens that can see the place of ‖x_t − x′_t‖ over what unrelated texts are apart",
)


@dataclass(frozen=True, repr=False)
class SpreadComparison(Result):
    """reach by depth: of a model with fewer layers NaN from its last one on. depths: how many each model has."""

    drawn_by = "tokens.perturbation:spread_comparison_figure"

    reach: Float[Tensor, "model depth"]
    depths: tuple[int, ...]


def spread_comparison(models: Mapping[str, PerturbationSpread]) -> SpreadComparison:
    """The reach in several models. Raises ValueError for none, and for changes in different places."""
    if not models:
        raise ValueError("no spread was given; give one model's at least")
    places = {spread.position for spread in models.values()}
    if len(places) > 1:
        raise ValueError(f"the token was changed at {', '.join(map(str, sorted(places)))}: give spreads of one place")
    reaches = [spread.reach for spread in models.values()]
    padded = torch.nn.utils.rnn.pad_sequence(reaches, batch_first=True, padding_value=torch.nan)
    return SpreadComparison(padded, tuple(map(len, reaches)), about=COMPARED, labels={"model": tuple(models)})

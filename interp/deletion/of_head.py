"""Deletion of one head: its contributions on a prompt beside those of its softmax twin, and its tokens' promotions."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.analysis import Setting
from headscope.interp.deletion.attention_contribution import AttentionContribution, attention_contribution, name_points
from headscope.interp.deletion.contributions import ABOUT, ov_terms
from headscope.interp.deletion.gates import gated_weights
from headscope.interp.deletion.quadrants import QUADRANTS, quadrant_masses, quadrant_shares
from headscope.interp.deletion.scales import SCALES, scale_to_logits
from headscope.interp.reading.activations import GATE, NORM_AFTER, SCORES, Activations
from headscope.interp.reading.prompt import text_alone
from headscope.interp.results.about import About
from headscope.interp.results.nulls import softmax_twin
from headscope.interp.results.result import Result

PATTERN, VALUES, Z = "attn.hook_pattern", "attn.hook_v", "attn.hook_z"
TWIN = About(
    title="A head and its softmax twin",
    unit=ABOUT.unit,
    law=ABOUT.law,
    source=ABOUT.source,
    null="the softmax twin: the same scores weighed by softmax, with the same OV circuit",
    by_gauge={
        "odd": ("pattern", "ov", "contribution_null", "share", "share_null"),
        "even": ("contribution_null", "share_null"),
        "scale": ("pattern", "ov", "contribution_null", "share_null"),
    },
    plain="What one head does to the logits of the tokens it reads, beside what it would do if softmax weighed the "
    "very same scores.",
)


@dataclass(frozen=True, repr=False)
class HeadContributions(Result):
    """C of one head, and C as its softmax twin would have it; ov: the OV term before the scale.

    share: of Σ|C| in each quadrant, of the head and of the twin; NaN where nothing is contributed.
    """

    drawn_by = "head_deletion:head_contributions_figure"

    contribution: Float[Tensor, "query key"]
    contribution_null: Float[Tensor, "query key"]
    pattern: Float[Tensor, "query key"]
    ov: Float[Tensor, "key"]
    share: Float[Tensor, "quadrant"]
    share_null: Float[Tensor, "quadrant"]


NEEDS = (PATTERN, VALUES, GATE, SCORES, *SCALES)


def own_unembeddings(setting: Setting, run: Activations) -> Float[Tensor, "d_model key"]:
    """The unembedding of the token at every position, less the mean over the vocabulary."""
    return setting.weights.centred_unembeddings(text_alone(run.tokens).ids)


def head_contributions(setting: Setting, run: Activations, layer: int, head: int) -> HeadContributions:
    """C of one head on a prompt that was gathered with NEEDS."""
    assert run.visible is not None  # gathered with the scores
    layer, head = setting.weights.of_head(layer, head)
    unembeddings, values, W_O = own_unembeddings(setting, run), run[VALUES], setting.weights.W_O
    ov, scale = ov_terms(values, W_O, unembeddings)[layer, head], scale_to_logits(run)[layer]
    open_gates = gated_weights(torch.ones_like(run[PATTERN]), run[GATE], values, W_O, unembeddings)[layer, head]
    pattern = run[PATTERN][layer, head] * open_gates
    twin = softmax_twin(run[SCORES][layer, head], run.visible[layer]) * open_gates
    own, of_twin = (
        quadrant_shares(quadrant_masses(item[None, None], ov[None, None], scale[None]))[0, 0]
        for item in (pattern, twin)
    )
    labels = {"query": run.tokens.strings, "key": run.tokens.strings, "quadrant": QUADRANTS}
    of_cells = (pattern * ov / scale, twin * ov / scale, pattern, ov)
    return HeadContributions(*of_cells, own, of_twin, about=TWIN, labels=labels)


def scatter_of_tokens(setting: Setting, run: Activations) -> AttentionContribution:
    """Attention from the last position against contribution, a point for every different token of the prompt."""
    ids = torch.tensor(text_alone(run.tokens).ids)
    names = list(dict.fromkeys(text_alone(run.tokens).ids))
    positions = torch.stack([ids == name for name in names])
    W_U = setting.weights.centred_unembeddings(names)
    z = run[Z] / run[NORM_AFTER][..., None]
    points = name_points(run[PATTERN], z, setting.weights.W_O, positions, W_U)
    return attention_contribution([points], words_of(text_alone(run.tokens).ids, run.tokens.strings, names))


def words_of(ids: Sequence[int], strings: Sequence[str], names: Sequence[int]) -> list[str]:
    """The string of each name."""
    known = dict(zip(ids, strings, strict=True))
    return [known[name] for name in names]

"""Readings of E4: where rows are sharp, what noise moves, and the temperatures, of a small model on a task."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from headscope.interp.arms.trial import Numbers
from headscope.interp.collapse.contribution_weights import contribution_weights
from headscope.interp.reading.activations import TEMPERATURES, Activations, gathered_activations
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.of_model import model_row_curves
from headscope.interp.weights.head_weights import head_weights
from headscope.models.data.examples import Examples

TEMPERED = ("query", "value")


def prompts_from_examples(examples: Examples) -> list[PromptTokens]:
    """Each row as a prompt."""
    rows = examples.ids.tolist()
    return [PromptTokens(tuple(row), tuple(map(str, row))) for row in rows]


def row_numbers(model: HookedModel, examples: Examples, number: str) -> Float[Tensor, "example layer head query"]:
    """A row statistic of every head on every row."""
    return torch.stack([getattr(model_row_curves(model, prompt), number) for prompt in prompts_from_examples(examples)])


def noise_share(model: HookedModel, examples: Examples, first_noise: int) -> float:
    """Of what the first layer's heads move, the share that comes from noise; half a row is left out to begin with.

    Later layers are not asked: what stands at a noise token there is no longer noise alone.
    """
    W_O = head_weights(model).W_O
    runs = gathered_activations(model, prompts_from_examples(examples), ["attn.hook_pattern", "attn.hook_v"])
    return float(
        np.mean([share_of(item, W_O, ids >= first_noise) for item, ids in zip(runs, examples.ids, strict=True)])
    )


def share_of(run: Activations, W_O: Float[Tensor, "layer head d_head d_model"], chosen: Tensor) -> float:
    """The share of abs(contributions) of the first layer that comes from the chosen keys."""
    moved = contribution_weights(run["attn.hook_pattern"][:1], run["attn.hook_v"][:1], W_O[:1])[0].abs().sum(0)
    late = moved[len(moved) // 2 :]
    return float((late[:, chosen].sum(-1) / late.sum(-1)).mean())


def spread_slope(model: HookedModel, examples: Examples, calls_for: Int[np.ndarray, "token"]) -> float:
    """d ln participation / d ln(how many keys a query's token calls for), over the later half of rows.

    0 where all rows are equally wide, 1 where a row is as wide as it should be. participation: mean over heads.
    """
    participation = row_numbers(model, examples, "participation").mean((1, 2)).numpy()
    late = slice(participation.shape[1] // 2, None)
    x, y = np.log(calls_for[examples.ids.numpy()][:, late]).ravel(), np.log(participation[:, late]).ravel()
    return float(np.polyfit(x, y, 1)[0])


def sharpest(model: HookedModel, examples: Examples) -> Numbers:
    """At the last token: max b of the head that has the largest, and the spikiness 1/(nΣb²) of the mean head."""
    max_b, spikiness = (row_numbers(model, examples, name)[..., -1] for name in ("max_share", "spikiness"))
    return {"max_b": float(max_b.amax((1, 2)).mean()), "spikiness": float(spikiness.mean())}


def by_kind(model: HookedModel, examples: Examples, kind: Int[np.ndarray, "token"], kinds: Sequence[int]) -> Numbers:
    """Mean temperatures by layer and kind of token: tau_query, tau_value, both [layer, kind]; nothing for softmax."""
    if not any(name.endswith(TEMPERATURES) for name in model.hook_dict):
        return {}
    runs = gathered_activations(model, prompts_from_examples(examples), TEMPERATURES)
    of_token = torch.from_numpy(kind)[examples.ids]
    result: Numbers = {}
    for side, name in zip(TEMPERED, TEMPERATURES, strict=True):
        tau = torch.stack([run[name].squeeze(1) for run in runs]).transpose(0, 1)
        result[f"tau_{side}"] = [[float(layer[of_token == item].mean()) for item in kinds] for layer in tau]
    return result

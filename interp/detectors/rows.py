"""The rows of detectors in the table of analyses."""

import torch

from interp.activations import Activations
from interp.analysis import Analysis, Setting
from interp.detectors.copying import PromptCopying, prompt_copying
from interp.detectors.scores import DetectorScores, detector_scores


def _detectors(setting: Setting, run: Activations) -> DetectorScores:
    assert run.visible is not None  # attn.hook_attn_scores was asked for
    return detector_scores(run["attn.hook_pattern"], torch.tensor(run.tokens.ids), run.visible)


def _prompt_copying(setting: Setting, run: Activations) -> PromptCopying:
    weights, ids = setting.weights, torch.tensor(run.tokens.ids)
    return prompt_copying(run["attn.hook_pattern"], run["attn.hook_v"], weights.W_O, weights.W_U, ids)


ROWS = (
    Analysis(
        "detectors",
        "Weight, share and sign of every head on previous tokens, duplicates of the token, and what followed them.",
        ("attn.hook_pattern", "attn.hook_attn_scores"),
        _detectors,
    ),
    Analysis(
        "prompt_copying",
        "Whether each head raises or lowers the logits of the tokens it attends to.",
        ("attn.hook_pattern", "attn.hook_v"),
        _prompt_copying,
    ),
)

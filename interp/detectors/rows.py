"""The rows of detectors in the table of analyses."""

import torch

from headscope.interp.analysis import Analysis, ByLayer, Setting
from headscope.interp.detectors.copying import PromptCopying, copying_on_tokens
from headscope.interp.detectors.scores import DetectorScores, detector_scores
from headscope.interp.reading.activations import MIXING, Activations
from headscope.interp.reading.prompt import text_alone


def _detectors(setting: Setting, run: Activations) -> DetectorScores:
    assert run.visible is not None  # attn.hook_attn_scores was asked for
    return detector_scores(run["attn.hook_pattern"], torch.tensor(text_alone(run.tokens).ids), run.visible)


def _prompt_copying(setting: Setting, run: Activations) -> PromptCopying:
    weights, ids = setting.weights, text_alone(run.tokens).ids
    read = weights.centred_unembeddings(ids), weights.W_U_covariance
    return copying_on_tokens(run[MIXING], run["attn.hook_v"], weights.W_O, *read)


ROWS = (
    Analysis(
        "detectors",
        "Weight, share and sign of every head on previous tokens, duplicates of the token, and what followed them.",
        ("attn.hook_pattern", "attn.hook_attn_scores"),
        ByLayer(_detectors),
        text_only="looks for tokens that come again, and patches are of no vocabulary",
        looks_back=True,
        per_head=True,
        telling={"share.previous token": 3, "share.induction": 5},
        row_laws="any: shares of Σ|a|, with the signed weight and its sign beside them",
    ),
    Analysis(
        "prompt_copying",
        "Whether each head raises or lowers the logits of the tokens it attends to.",
        (MIXING, "attn.hook_v"),
        ByLayer(_prompt_copying),
        matrices=("W_O", "W_U"),
        text_only="asks what a head does to the logits of the tokens that it reads, and patches have none of their own",
        own_logits=True,
        per_head=True,
        telling={"copying": 10},
        followed={"copying": 6},
        row_laws="any: a weight counts with its sign",
    ),
)

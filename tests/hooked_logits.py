"""Logits of ids under hooks, as the interventions' own runs give them: what tests compare a result with."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from headscope.interp.interventions.touched_run import Hook, logits_of_rows
from headscope.interp.reading.prompt_tokens import PromptTokens


def logits_of(model: Any, ids: Sequence[int], hooks: Sequence[Hook] = ()) -> Tensor:
    """Of one prompt, by position."""
    return logits_of_rows(model, torch.tensor([list(ids)]), hooks, PromptTokens(tuple(ids), ("",) * len(ids)))[0]

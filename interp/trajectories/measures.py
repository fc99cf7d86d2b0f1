"""Measures: functions of a model that give the numbers whose trajectory is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interp.attention_run import attention_run
from interp.head_statistics import HeadStatistics
from interp.hooked_model import tokenizer_of
from interp.prompt_tokens import prompt_tokens

Measured = float | int | Tensor | np.ndarray | Mapping[str, Any]
Measure = Callable[[Any], Measured]


def head_statistic(field: str, prompt: str) -> Measure:
    """The mean over all heads of a field of HeadStatistics on a prompt; heads that have none are left out."""
    if field not in (known := [one.name for one in fields(HeadStatistics)]):
        raise ValueError(f"unknown head statistic {field!r}; known: {', '.join(known)}")

    def measure(model: Any) -> dict[str, float]:
        sizes = {"vocabulary": model.cfg.d_vocab, "context": model.cfg.n_ctx}
        tokens = prompt_tokens(prompt, tokenizer_of(model), prepend_bos=False, **sizes)
        return {field: float(getattr(attention_run(model, tokens).heads, field).nanmean())}

    return measure


def named(values: Measured) -> dict[str, float]:
    """Every number by name; of an array the name is its index, 3.0 for head 0 of layer 3."""
    if isinstance(values, Mapping):
        parts = dict(values)
    elif (array := torch.as_tensor(values).detach().cpu()).ndim:
        parts = {str(index): one for index, one in enumerate(array)}
    else:
        return {"": float(array)}
    return {joined(name, part): number for name, one in parts.items() for part, number in named(one).items()}


def joined(name: str, part: str) -> str:
    """A name and what is within it."""
    return f"{name}.{part}" if part else name

"""Measures: functions of a model that give the numbers whose trajectory is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headscope.interp.heads.attention_run import attention_run
from headscope.interp.reading.hooked_model import begins_with_bos, tokenizer_of
from headscope.interp.reading.model_facts import model_gauges
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope.interp.results.gauges import Gauge
from headscope.interp.rows.head_statistics import HeadStatistics
from headscope.models.io.near_names import known_names

CHANGED: dict[Gauge, tuple[str, ...]] = {"odd": ("negative_mass", "signed_sum"), "scale": ("signed_sum",)}


@dataclass(frozen=True)
class Found:
    """Numbers by name; by_gauge: the names of those that a change of gauge changes."""

    values: Mapping[str, float]
    by_gauge: Mapping[Gauge, tuple[str, ...]]


Measured = float | int | Tensor | np.ndarray | Mapping[str, Any]
Measure = Callable[[Any], Measured | Found]


def head_statistic(field: str, prompt: str) -> Measure:
    """The mean over all heads of a field of HeadStatistics on a prompt; heads that have none are left out."""
    if field not in (known := [one.name for one in fields(HeadStatistics)]):
        raise ValueError(f"unknown head statistic {field!r}; known: {known_names(field, known)}")

    def measure(model: Any) -> Found:
        sizes = {"vocabulary": model.cfg.d_vocab, "context": model.cfg.n_ctx}
        tokens = prompt_tokens(prompt, tokenizer_of(model), prepend_bos=begins_with_bos(model, None), **sizes)
        mean = float(getattr(attention_run(model, tokens).heads, field).nanmean())
        free: dict[Gauge, tuple[str, ...]] = {
            gauge: (field,) for gauge in model_gauges(model) if field in CHANGED.get(gauge, ())
        }
        return Found({field: mean}, free)

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

"""Averaged: one analysis over several prompts, as a mean and its spread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from headscope.interp.results.result import Result
from headscope.models.io.fields import Fields


@dataclass(frozen=True)
class AveragedResult:
    """A result over several prompts: the mean of every number and its standard deviation over the prompts.

    Means are floating point throughout: of a count a mean count, of a yes or no the share of prompts that say yes.
    """

    mean: Result
    spread: Result
    prompts: int

    def to_json(self) -> Fields:
        """The mean's plain values, with the spread of every field and the count of prompts."""
        spread = {name: field["values"] for name, field in self.spread.to_json()["fields"].items()}
        return {**self.mean.to_json(), "spread": spread, "prompts": self.prompts}


def averaged(results: Sequence[Result]) -> AveragedResult:
    """Mean and spread of one analysis over prompts, number by number; numbers that are NaN in a prompt are left out.

    Raises ValueError for results whose shapes or facts differ from prompt to prompt: they run over tokens.
    """
    first = results[0]
    if any(item.facts() != first.facts() or item.tensors().keys() != first.tensors().keys() for item in results):
        raise ValueError(f"{first.about.title} says another thing of every prompt: ask for it one prompt at a time")
    stacked = {}
    for name in first.tensors():
        values = [result.tensors()[name] for result in results]
        if len({value.shape for value in values}) > 1:
            raise ValueError(f"{first.about.title} runs over the tokens of a prompt: ask for it one prompt at a time")
        stacked[name] = torch.stack(values).double()
    labels = {
        axis: names for axis, names in first.labels.items() if all(item.labels.get(axis) == names for item in results)
    }
    means = {name: values.nanmean(0).float() for name, values in stacked.items()}
    spreads = {
        name: (values - values.nanmean(0)).square().nanmean(0).sqrt().float() for name, values in stacked.items()
    }
    return AveragedResult(
        replace(first, **means, labels=labels), replace(first, **spreads, labels=labels), len(results)
    )

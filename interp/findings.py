"""Findings: the results of several analyses of one model, with the table of its heads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jaxtyping import Shaped
from torch import Tensor

from interp.model_facts import ModelFacts
from interp.prompt_tokens import PromptTokens
from interp.result import Result

if TYPE_CHECKING:
    import pandas as pd

HEADS = ("layer", "head")
Kind = TypeVar("Kind", bound=Result)


@dataclass(frozen=True)
class Averaged:
    """A result over several prompts: the mean of every number and its standard deviation over the prompts.

    Means are floating point throughout: of a count a mean count, of a yes or no the share of prompts that say yes.
    """

    mean: Result
    spread: Result
    prompts: int

    def to_json(self) -> dict[str, Any]:
        """The mean's plain values, with the spread of every field and the count of prompts."""
        spread = {name: field["values"] for name, field in self.spread.to_json()["fields"].items()}
        return {**self.mean.to_json(), "spread": spread, "prompts": self.prompts}


@dataclass(frozen=True)
class Findings(Mapping[str, Result]):
    """Name of an analysis -> its result (over several prompts: the mean; `spread` holds the standard deviations)."""

    model: str
    facts: ModelFacts
    prompts: tuple[PromptTokens, ...]
    results: Mapping[str, Result]
    spread: Mapping[str, Result]
    choices: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Result:
        if name not in self.results:
            raise KeyError(f"{name} was not analysed; there are: {', '.join(self.results)}")
        return self.results[name]

    def of(self, name: str, kind: type[Kind]) -> Kind:
        """The result of an analysis as the record that it is. Raises TypeError where it is another."""
        found = self[name]
        if not isinstance(found, kind):
            raise TypeError(f"{name} is a {type(found).__name__}, not a {kind.__name__}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def to_frame(self) -> "pd.DataFrame":
        """The table of heads: a row per head, a column per number that every head has, named `analysis.field`."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, result in self.results.items():
            for column, tensor in per_head(result).items():
                columns[f"{name}.{column}"] = tensor.cpu().flatten().numpy()
        layers, heads = len(self.facts.layer_variants), self.facts.heads
        at = {"layer": [layer for layer in range(layers) for _ in range(heads)], "head": [*range(heads)] * layers}
        variants = [self.facts.layer_variants[layer] for layer in at["layer"]]
        return pd.DataFrame({**at, "attention": variants, **columns})

    def to_json(self) -> dict[str, Any]:
        """Plain values with stable keys."""
        return {
            "model": self.model,
            "facts": {one.name: getattr(self.facts, one.name) for one in fields(ModelFacts)},
            "prompts": [{"ids": list(one.ids), "tokens": list(one.strings)} for one in self.prompts],
            "choices": dict(self.choices),
            "analyses": {name: self._of(name) for name in self.results},
        }

    def _of(self, name: str) -> dict[str, Any]:
        result = self.results[name]
        if name not in self.spread:
            return result.to_json()
        return Averaged(result, self.spread[name], len(self.prompts)).to_json()


def per_head(result: Result) -> dict[str, Shaped[Tensor, "layer head"]]:
    """The numbers of every head: a result's fields, and `field.label` of those with one labelled axis more."""
    found: dict[str, Tensor] = {}
    for name, tensor in result.tensors().items():
        axes = result.axes()[name]
        if axes == HEADS:
            found[name] = tensor
        elif len(axes) == 3 and axes[0] in result.labels and axes[1:] == HEADS:
            found |= {f"{name}.{label}": one for label, one in zip(result.labels[axes[0]], tensor, strict=True)}
    return found


def averaged(results: Sequence[Result]) -> Averaged:
    """Mean and spread of one analysis over prompts, number by number; numbers that are NaN in a prompt are left out.

    Raises ValueError for results whose shapes or facts differ from prompt to prompt: they run over tokens.
    """
    first = results[0]
    if any(result.facts() != first.facts() for result in results):
        raise ValueError(f"{first.about.title} says another thing of every prompt: ask for it one prompt at a time")
    stacked = {}
    for name in first.tensors():
        values = [result.tensors()[name] for result in results]
        if len({value.shape for value in values}) > 1:
            raise ValueError(f"{first.about.title} runs over the tokens of a prompt: ask for it one prompt at a time")
        stacked[name] = torch.stack(values).double()
    labels = {axis: names for axis, names in first.labels.items() if all(one.labels[axis] == names for one in results)}
    means = {name: values.nanmean(0).float() for name, values in stacked.items()}
    spreads = {
        name: (values - values.nanmean(0)).square().nanmean(0).sqrt().float() for name, values in stacked.items()
    }
    return Averaged(replace(first, **means, labels=labels), replace(first, **spreads, labels=labels), len(results))

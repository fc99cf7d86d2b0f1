"""Finding: a measure of a model that `analyse` knows, by name."""

from collections.abc import Sequence
from typing import Any

from interp.analyse import analyse
from interp.prompt_tokens import PromptTokens
from interp.result import Result
from interp.trajectories.measures import Measure


def finding(prompts: str | Sequence[str] | Sequence[PromptTokens], *numbers: str) -> Measure:
    """Numbers that `analyse` finds, each named analysis.field: the mean of all in that field but those that are NaN."""
    wanted = [tuple(name.split(".", 1)) for name in numbers]
    if not wanted or any(len(parts) != 2 for parts in wanted):
        raise ValueError(f"numbers are named analysis.field, one at least; got {', '.join(numbers) or 'none'}")

    def measure(model: Any) -> dict[str, float]:
        found = analyse(model, prompts, [analysis for analysis, _ in wanted])
        return {f"{analysis}.{field}": mean_of(found[analysis], field) for analysis, field in wanted}

    return measure


def mean_of(result: Result, field: str) -> float:
    """The mean of all numbers in a field, those that are NaN left out. Raises ValueError for an unknown field."""
    known = result.tensors()
    if field not in known:
        raise ValueError(f"{type(result).__name__} has no field {field!r}; known: {', '.join(known)}")
    return float(known[field].double().nanmean())

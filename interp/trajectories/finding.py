"""Finding: a measure of a model that `analyse` knows, by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from interp.analyse import analyse
from interp.choices import Choices
from interp.gauges import Gauge
from interp.prompt_tokens import PromptTokens
from interp.result import Result
from interp.trajectories.measures import Found, Measure


def finding(
    prompts: str | Sequence[str] | Sequence[PromptTokens],
    *numbers: str,
    choices: Choices = Choices(),  # noqa: B008
    prepend_bos: bool = False,
) -> Measure:
    """Numbers that `analyse` finds, each named analysis.field: the mean of all in that field but those that are NaN.

    choices, prepend_bos: those of `analyse`.
    """
    wanted = [tuple(name.split(".", 1)) for name in numbers]
    if not wanted or any(len(parts) != 2 for parts in wanted):
        raise ValueError(f"numbers are named analysis.field, one at least; got {', '.join(numbers) or 'none'}")

    def measure(model: Any) -> Found:
        analyses = [analysis for analysis, _ in wanted]
        found = analyse(model, prompts, analyses, choices=choices, prepend_bos=prepend_bos)
        means = {f"{analysis}.{field}": mean_of(found[analysis], field) for analysis, field in wanted}
        return Found(means, free(found, wanted))

    return measure


def mean_of(result: Result, field: str) -> float:
    """The mean of all numbers in a field, those that are NaN left out. Raises ValueError for an unknown field."""
    known = result.tensors()
    if field not in known:
        raise ValueError(f"{type(result).__name__} has no field {field!r}; known: {', '.join(known)}")
    return float(known[field].double().nanmean())


def free(found: Mapping[str, Result], wanted: Sequence[tuple[str, ...]]) -> dict[Gauge, tuple[str, ...]]:
    """The numbers that each gauge of the model changes."""
    changed: dict[Gauge, tuple[str, ...]] = defaultdict(tuple)
    for analysis, field in wanted:
        for gauge, fields in found[analysis].about.by_gauge.items():
            changed[gauge] += (f"{analysis}.{field}",) if field in fields else ()
    return {gauge: names for gauge, names in changed.items() if names}

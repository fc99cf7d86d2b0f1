"""Named numbers: numbers of the analyses of a model, each by name, as a measure whose trajectory can be asked for."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.results.gauges import Gauge
from headscope.interp.results.numbers import HEADS, result_numbers
from headscope.interp.results.result import Result
from headscope.interp.trajectories.measures import Measure, NamedNumbers
from headscope.models.io.near_names import known_names


def named_numbers(
    analyses_of: Callable[[HookedModel, list[str]], Mapping[str, Result]],
    names: Sequence[str],
    head: tuple[int, int] | None = None,
) -> Measure:
    """Numbers of the analyses that `analyses_of` makes of a model, each named analysis.field or analysis.field.label:
    the mean of all in it.

    head: a layer and a head of it, for the number of that head alone where every head has one; those that are NaN are
    left out of a mean.
    """
    wanted = [tuple(name.split(".", 1)) for name in names]
    if not wanted or any(len(parts) != 2 for parts in wanted):
        raise ValueError(f"numbers are named analysis.field, one at least; got {', '.join(names) or 'none'}")

    def measure(model: HookedModel) -> NamedNumbers:
        results = analyses_of(model, [analysis for analysis, _ in wanted])
        means = {f"{analysis}.{name}": field_mean(results[analysis], name, head) for analysis, name in wanted}
        return NamedNumbers(means, free(results, wanted))

    return measure


def field_mean(result: Result, name: str, head: tuple[int, int] | None = None) -> float:
    """The mean of a field, or of a labelled part of one, or that of one head; those that are NaN are left out.

    Raises ValueError for an unknown name and for a head that is not there.
    """
    known = result_numbers(result)
    if name not in known:
        raise ValueError(f"{type(result).__name__} has no field {name!r}; known: {known_names(name, known)}")
    values = known[name].values.double()
    if head is not None and known[name].axes == HEADS:
        layers, heads = values.shape
        if not (0 <= head[0] < layers and 0 <= head[1] < heads):
            raise ValueError(f"L{head[0]}H{head[1]} was asked for; there are {layers} layers of {heads} heads")
        values = values[head]
    return float(values.nanmean())


def free(result: Mapping[str, Result], wanted: Sequence[tuple[str, ...]]) -> dict[Gauge, tuple[str, ...]]:
    """The numbers that each gauge of the model changes."""
    changed: dict[Gauge, tuple[str, ...]] = defaultdict(tuple)
    for analysis, name in wanted:
        for gauge, fields in result[analysis].about.by_gauge.items():
            changed[gauge] += (f"{analysis}.{name}",) if name.split(".")[0] in fields else ()
    return {gauge: names for gauge, names in changed.items() if names}

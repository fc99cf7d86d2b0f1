"""Sweep: what is not there yet of a request's units is measured and kept; all of it is one table."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from headscope.interp.asking.choices import Choices
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.interp.sweeps.in_process import outcomes_here
from headscope.interp.sweeps.measuring import Outcomes
from headscope.interp.sweeps.on_ray import outcomes_on_ray
from headscope.interp.sweeps.request import Model, Steps, SweepRequest
from headscope.interp.sweeps.store import Store
from headscope.interp.sweeps.swept import Sweep
from headscope.interp.sweeps.unit import Unit

Runner = Callable[[Sequence[Unit]], Outcomes]


def sweep(
    models: Sequence[str | Path] | SweepRequest,
    prompts: Sequence[str] | Mapping[str, Sequence[str]] = (),
    what: Sequence[str] = (),
    *,
    out: str | Path,
    steps: Steps = None,
    choices: Choices = Choices(),  # noqa: B008
    prepend_bos: bool | None = None,
    address: str | None = None,
    workers: int | None = None,
    ray: bool = True,
    watch: Watch = watch_nothing,
) -> Sweep:
    """The named analyses of every model on every set of prompts, a unit each, kept as Parquet files in `out`.

    What is there already is not measured again: a unit is known by its model's content, its analysis and its arguments,
    whichever sweep had it measured. A unit that fails is tried again, then left out with its reason, and the others go
    on; an interrupted sweep goes on when it is called again.

    models: names or folders; or a whole SweepRequest, alone. prompts: texts, or sets of them by name. steps: of the
    models' runs, "all" or numbers; None: the models themselves. address: of a Ray cluster; None: one on this machine.
    workers: how many at most; None: as many as fit. ray=False: in this process, one unit after the other, with the same
    numbers. watch(done, total) counts the units.

    Raises ValueError for what is unknown or not there, and where no worker fits.
    """
    if not isinstance(models, SweepRequest):
        models = request_of(models, prompts, what, steps, prepend_bos, choices)
    store = Store(Path(out))
    units = planned_units(models, store)
    runner = partial(outcomes_on_ray, address=address, workers=workers) if ray else outcomes_here
    return Sweep(store.folder, store.plan(), measure_missing(units, store, runner, watch))


def request_of(
    models: Sequence[str | Path],
    prompts: Sequence[str] | Mapping[str, Sequence[str]],
    what: Sequence[str],
    steps: Steps,
    bos: bool | None,
    choices: Choices,
) -> SweepRequest:
    """The request of what Python code names."""
    for name, value in {"models": models, "prompts": prompts, "what": what}.items():
        if isinstance(value, str):
            raise TypeError(f"{name} is a list, got the text {value!r}: put it into a list")
    sets = prompts if isinstance(prompts, Mapping) else {"prompts": prompts}
    return SweepRequest(tuple(Model(str(name), steps) for name in models), tuple(what), sets, bos, choices)


def planned_units(request: SweepRequest, store: Store) -> tuple[Unit, ...]:
    """The units of a request, written down in the store with the digests of their models."""
    index = store.index()
    units = request.units(index)
    index.save()
    store.write_plan(units)
    return units


def measure_missing(units: Sequence[Unit], store: Store, runner: Runner, watch: Watch) -> dict[str, str]:
    """Measure what the store does not hold; the reasons of what could not be measured, by key."""
    missing = {unit.key: unit for unit in units if not store.holds(unit.key)}
    failures: dict[str, str] = {}
    total = len({unit.key for unit in units})
    watch(total - len(missing), total)
    if missing:
        with closing(runner([*missing.values()])) as outcomes:
            for done, (unit, outcome) in enumerate(outcomes, start=total - len(missing) + 1):
                if outcome.numbers is None:
                    failures[unit.key] = outcome.reason
                else:
                    store.keep(unit.key, outcome.numbers)
                watch(done, total)
    store.write_failures(failures)
    return failures

"""Costs: what an analysis takes before it is run, in forward passes over the prompts, and in seconds of a timed one."""

from collections.abc import Mapping, Sequence
from time import perf_counter

import torch

from headscope.interp.analysis import Analysis, AnalysisRequest, Probe
from headscope.interp.reading.hooked_model import HookedModel
from headscope.interp.reading.prompt import Prompt, batch_of
from headscope.interp.reading.size import Size
from headscope.models.zoo import snapshots

CHEAP = 5.0  # passes: what takes more is not run unless it is asked for by name


def request_size(request: AnalysisRequest) -> Size:
    """The size of what is asked."""
    lengths = tuple(len(prompt) for prompt in request.prompts)
    return Size(request.setting.facts, lengths, len(snapshots(request.run)) if request.run else 0)


def passes(row: Analysis | Probe, size: Size) -> float:
    """How many forward passes over the prompts an analysis is worth, beside the one that all share."""
    return row.cost(size) / size.pass_over_prompts()


def costly_analyses(rows: Sequence[Analysis | Probe], size: Size) -> dict[str, float]:
    """The analyses that are worth more than CHEAP passes, with how many."""
    return {row.name: count for row in rows if (count := passes(row, size)) > CHEAP}


def pass_seconds(model: HookedModel, prompts: Sequence[Prompt]) -> float:
    """The seconds of one timed forward pass over the prompts, as many times as there are prompts the longest one's.

    Hooks are state: the caller lets one run in at a time.
    """
    batch = batch_of(model, [max(prompts, key=len)])
    start = perf_counter()
    with torch.no_grad():
        model.run_with_hooks(batch, fwd_hooks=[]).sum().item()  # which waits for an accelerator
    return (perf_counter() - start) * len(prompts)


def duration_in_words(seconds: float) -> str:
    """About how long, as a person says it: 3 s, 2 min, 1.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def costly_in_words(seconds: Mapping[str, float]) -> str:
    """Names with estimates, least first."""
    return ", ".join(
        f"{name} (about {duration_in_words(seconds[name])})" for name in sorted(seconds, key=seconds.__getitem__)
    )

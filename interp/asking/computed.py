"""Computed: the results of every analysis, each as soon as it is finished."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch

from headscope.interp.analysis import Analysis, Asked, Probe, Setting
from headscope.interp.reading.activations import Activations, gather
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.results.result import Result

Progress = Callable[[str, int, int], None]
NOTHING_RUN = Activations(PromptTokens((), ()), {}, torch.empty(0, 0))
PROMPTS = "prompts"


def computed(
    chosen: Sequence[Analysis | Probe], asked: Asked, batch_size: int, watch: Progress
) -> Iterator[tuple[str, list[Result]]]:
    """The results of every analysis as soon as it is finished: one, or one of every prompt."""
    yield from of_weights(asked.setting, chosen, watch)
    yield from of_prompts(asked, chosen, batch_size, partial(watch, PROMPTS))
    for one in chosen:
        if isinstance(one, Probe):
            yield one.name, list(probed(one, asked, watch))


def of_weights(
    setting: Setting, chosen: Sequence[Analysis | Probe], watch: Progress
) -> Iterator[tuple[str, list[Result]]]:
    """The analyses of the weights alone."""
    for one in chosen:
        if isinstance(one, Analysis) and not one.needs:
            yield one.name, [one.compute(replace(setting, watch=partial(watch, one.name)), NOTHING_RUN)]


def of_prompts(
    asked: Asked, chosen: Sequence[Analysis | Probe], batch_size: int, watch: Callable[[int, int], None]
) -> Iterator[tuple[str, list[Result]]]:
    """The results of every prompt, by analysis; no model is run where nothing is asked of a prompt."""
    readers = [one for one in chosen if isinstance(one, Analysis) and one.needs]
    needs = sorted({name for one in readers for name in one.needs})
    results: dict[str, list[Result]] = defaultdict(list)
    done = 0
    for run in batches(asked.prompts if readers else (), batch_size, len):
        for activations in gather(asked.model, run, needs):
            for one in readers:
                results[one.name].append(one.compute(asked.setting, activations))
                if len(results[one.name]) == len(asked.prompts):
                    yield one.name, results[one.name]
        done += len(run)
        watch(done, len(asked.prompts))


def probed(probe: Probe, asked: Asked, watch: Progress) -> Iterator[Result]:
    """What a probe finds, of all prompts together or of each."""
    for prompts in [asked.prompts] if probe.together else [(one,) for one in asked.prompts]:
        yield probe.compute(replace(asked, prompts=prompts), partial(watch, probe.name))

"""Computed: the results of every analysis, each as soon as it is finished."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch

from headscope.interp.analysis import Analysis, AnalysisRequest, Probe, Setting
from headscope.interp.reading.activations import SCORES, Activations, gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.watch import Progress
from headscope.interp.results.all_layers import over_all_layers
from headscope.interp.results.result import Result

NOTHING_RUN = Activations(PromptTokens((), ()), {}, torch.empty(0, 0))
PROMPTS = "prompts"
BY_CELL = (SCORES, "attn.hook_pattern")  # a number for every query and key
KEPT = 2**30  # bytes of activations of the prompts that run together, beside one prompt alone


def results_by_analysis(
    chosen: Sequence[Analysis | Probe], request: AnalysisRequest, batch_size: int, watch: Progress
) -> Iterator[tuple[str, list[Result]]]:
    """The results of every analysis as soon as it is finished: one, or one of every prompt."""
    yield from weight_results(request.setting, chosen, watch)
    yield from prompt_results(request, chosen, batch_size, partial(watch, PROMPTS))
    for item in chosen:
        if isinstance(item, Probe):
            yield item.name, list(probe_results(item, request, watch))


def weight_results(
    setting: Setting, chosen: Sequence[Analysis | Probe], watch: Progress
) -> Iterator[tuple[str, list[Result]]]:
    """The analyses of the weights alone."""
    for item in chosen:
        if isinstance(item, Analysis) and not item.needs:
            result = item.compute(replace(setting, watch=partial(watch, item.name)), NOTHING_RUN)
            yield item.name, [of_all_layers(result, setting)]


def prompt_results(
    request: AnalysisRequest, chosen: Sequence[Analysis | Probe], batch_size: int, watch: Callable[[int, int], None]
) -> Iterator[tuple[str, list[Result]]]:
    """The results of every prompt, by analysis; no model is run where nothing is asked of a prompt."""
    readers = [item for item in chosen if isinstance(item, Analysis) and item.needs]
    needs = sorted({name for reader in readers for name in reader.needs})
    results: dict[str, list[Result]] = defaultdict(list)
    done = 0
    most = partial(prompts_within_memory, request.setting.facts, needs)
    for run in batches(request.prompts if readers else (), batch_size, len, most):
        for activations in gathered_activations(request.model, run, needs):
            for reader in readers:
                result = reader.compute(request.setting, activations)
                results[reader.name].append(of_all_layers(result, request.setting))
                if len(results[reader.name]) == len(request.prompts):
                    yield reader.name, results[reader.name]
        done += len(run)
        watch(done, len(request.prompts))


def prompts_within_memory(facts: ModelFacts, needs: Sequence[str], tokens: int) -> int:
    """How many prompts of so many tokens keep these hooks within a gibibyte; 0 where one does not."""
    squares = sum(name in BY_CELL for name in needs)
    of_heads = squares * len(facts.head_layers) * facts.heads * tokens**2
    of_rows = (len(needs) - squares) * len(facts.layer_variants) * tokens * facts.d_model
    return KEPT // max(1, torch.float32.itemsize * (of_heads + of_rows))


def probe_results(probe: Probe, request: AnalysisRequest, watch: Progress) -> Iterator[Result]:
    """What a probe finds, of all prompts together or of each."""
    for prompts in [request.prompts] if probe.together else [(prompt,) for prompt in request.prompts]:
        result = probe.compute(replace(request, prompts=prompts), partial(watch, probe.name))
        yield of_all_layers(result, request.setting)


def of_all_layers(result: Result, setting: Setting) -> Result:
    """A result whose layers have the model's own numbers: analyses look at those that have heads."""
    return over_all_layers(result, setting.facts.head_layers, len(setting.facts.layer_variants))

"""Computed: the results of every analysis, each as soon as it is finished."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from headscope.interp.analysis import Analysis, AnalysisRequest, ByLayer, Probe, Setting
from headscope.interp.reading.activations import Activations, gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.layer_cells import cell_hooks, layer_hooks, read_layer_by_layer, row_hooks
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.reading.prompt import Prompt
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.watch import Progress
from headscope.interp.results.all_layers import over_all_layers
from headscope.interp.results.result import Result

NOTHING_RUN = Activations(PromptTokens((), ()), {}, torch.empty(0, 0))
PROMPTS = "prompts"
KEPT = 2**28  # bytes of activations of the prompts that run together, and of scores and patterns of one alone


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
    results: dict[str, list[Result]] = defaultdict(list)
    done = 0
    most = partial(prompts_within_memory, request.setting.facts, needs_of(readers))
    for run in batches(request.prompts if readers else (), batch_size, len, most):
        for name, result in results_of_batch(request, readers, run):
            results[name].append(of_all_layers(result, request.setting))
            if len(results[name]) == len(request.prompts):
                yield name, results[name]
        done += len(run)
        watch(done, len(request.prompts))


def results_of_batch(
    request: AnalysisRequest, readers: Sequence[Analysis], prompts: Sequence[Prompt]
) -> Iterator[tuple[str, Result]]:
    """The results of prompts of one length, in one pass; long ones, which come alone, layer by layer."""
    needs = needs_of(readers)
    if bytes_of_cells(request.setting.facts, needs, len(prompts[0])) > KEPT:
        for prompt in prompts:
            yield from results_of_long_prompt(request, readers, prompt)
        return
    for activations in gathered_activations(request.model, prompts, needs):
        for reader in readers:
            yield reader.name, reader.compute(request.setting, activations)


def results_of_long_prompt(
    request: AnalysisRequest, readers: Sequence[Analysis], prompt: Prompt
) -> Iterator[tuple[str, Result]]:
    """Three passes: for what reads no pattern, for what reads those of each layer, for what reads all of them."""
    across = [reader for reader in readers if cell_hooks(reader.needs) and not isinstance(reader.compute, ByLayer)]
    by_layer = [reader for reader in readers if cell_hooks(reader.needs) and reader not in across]
    by_row = [reader for reader in readers if not cell_hooks(reader.needs)]
    own = layer_hooks(request.model, needs_of(by_layer))
    besides = [name for name in row_hooks(needs_of(by_layer)) if name not in own]
    if by_row or by_layer:
        rows, cells = {*row_hooks(needs_of(by_row)), *besides}, cell_hooks(needs_of(readers))
        alone = not any(reader.reads_logits for reader in by_row)
        [run] = gathered_activations(request.model, [prompt], sorted(rows), formed=cells, answer_alone=alone)
        for reader in by_row:
            yield reader.name, reader.compute(request.setting, run)
        run = with_last_logits(run, besides)
        yield from results_by_layer(request, by_layer, run, own)
        del run
    if across:
        [run] = gathered_activations(request.model, [prompt], needs_of(across))
        for reader in across:
            yield reader.name, reader.compute(request.setting, run)


def results_by_layer(
    request: AnalysisRequest, readers: Sequence[Analysis], run: Activations, names: Sequence[str]
) -> Iterator[tuple[str, Result]]:
    """The results of analyses by layer, of one more pass over a prompt of which these hooks were not gathered."""
    settings = {layer: request.setting.of_layer(layer) for layer in run.head_layers}
    ways = {reader.name: reader.compute for reader in readers if isinstance(reader.compute, ByLayer)}
    parts: dict[str, dict[int, Any]] = {name: {} for name in ways}

    def read(of_layer: Activations) -> None:
        [layer] = of_layer.head_layers
        for name, way in ways.items():
            parts[name][layer] = way.part(settings[layer], of_layer)

    if ways:
        read_layer_by_layer(request.model, run, names, read)
    for name, way in ways.items():
        yield name, way.whole(request.setting, run, [parts[name][layer] for layer in run.head_layers])


def with_last_logits(run: Activations, names: Sequence[str]) -> Activations:
    """The activations with these hooks alone, and with the logits of the last position."""
    hooks = {name: run.hooks[name] for name in names if name in run.hooks}
    return replace(run, hooks=hooks, logits=run.logits[-1:].clone())


def needs_of(readers: Sequence[Analysis]) -> list[str]:
    """The hooks that any of them reads."""
    return sorted({name for reader in readers for name in reader.needs})


def prompts_within_memory(facts: ModelFacts, needs: Sequence[str], tokens: int) -> int:
    """How many prompts of so many tokens keep these hooks and their logits within KEPT; 0 where one does not."""
    of_rows = len(row_hooks(needs)) * len(facts.layer_variants) * tokens * facts.d_model
    logits = tokens * facts.vocabulary
    return KEPT // max(1, bytes_of_cells(facts, needs, tokens) + torch.float32.itemsize * (of_rows + logits))


def bytes_of_cells(facts: ModelFacts, needs: Sequence[str], tokens: int) -> int:
    """What one prompt's scores and patterns take, of those that are needed."""
    return torch.float32.itemsize * len(cell_hooks(needs)) * len(facts.head_layers) * facts.heads * tokens**2


def probe_results(probe: Probe, request: AnalysisRequest, watch: Progress) -> Iterator[Result]:
    """What a probe finds, of all prompts together or of each."""
    for prompts in [request.prompts] if probe.together else [(prompt,) for prompt in request.prompts]:
        result = probe.compute(replace(request, prompts=prompts), partial(watch, probe.name))
        yield of_all_layers(result, request.setting)


def of_all_layers(result: Result, setting: Setting) -> Result:
    """A result whose layers have the model's own numbers: analyses look at those that have heads."""
    return over_all_layers(result, setting.facts.head_layers, len(setting.facts.layer_variants))

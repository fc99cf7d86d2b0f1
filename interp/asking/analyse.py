"""Analyse: the one thin layer between a model with prompts and the analyses, which are functions of tensors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from headscope.interp.analysis import Analysis, AnalysisRequest, Probe, Setting
from headscope.interp.asking.applicable import is_by_name, misfits, rows_named
from headscope.interp.asking.averaged import averaged
from headscope.interp.asking.choices import Choices, circuit_weights, prompt_pair, refuse_distance
from headscope.interp.asking.computed import results_by_analysis
from headscope.interp.asking.costs import costly_analyses, pass_seconds, request_size
from headscope.interp.asking.findings import Findings, Interruption
from headscope.interp.asking.given_prompts import Given, as_read
from headscope.interp.asking.listed_rows import followed_numbers
from headscope.interp.asking.notebook_bar import with_a_bar
from headscope.interp.reading.hooked_model import HookedModel, begins_with_bos, tokenizer_of
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.prompt import Prompt, text_alone
from headscope.interp.reading.watch import Progress
from headscope.interp.results.about import About
from headscope.interp.results.result import Result
from headscope.interp.weights.head_weights import head_weights
from headscope.models.hosts.words import Words
from headscope.models.io.memory import freed_at_once


def analyse(
    model: Any,
    prompts: Given,
    what: Sequence[str] | None = None,
    *,
    choices: Choices = Choices(),  # noqa: B008
    prepend_bos: bool | None = None,
    batch_size: int = 8,
    watch: Progress | None = None,
    arrived: Callable[[Findings], None] | None = None,
) -> Findings:
    """The named analyses of a hooked model on a prompt, or on several: then means with their spread.

    By default all that apply to the model, are worth at most a few forward passes each, and over several prompts have
    a mean; `costly` of what comes back names the rest with an estimate. what="all": these too. Caches the hooks that
    are read and no others; prompts of one length run together, at most batch_size, and no more than keep 256 MiB. Where
    scores and patterns of one prompt take more, those of one layer at a time are held, but for what reads them across
    layers, which no mean over prompts does.
    choices: what only some analyses read. prepend_bos: whether BOS comes before a text; None: where the tokenizer
    itself puts it, which is what run_with_cache does. watch(stage, done, total) is called after every batch of prompts
    and every step of an analysis that runs the model itself; None: a notebook shows a bar, and nothing is written
    elsewhere. arrived(findings) is called with every analysis alone as soon as it is finished, of those of a kind the
    cheap ones first. Raises ValueError for an analysis that is unknown or does not fit, and for a prompt that the model
    cannot read; TypeError for no hooked model; Interruption, with what is finished, when it is stopped.
    """
    refuse_unhooked(model)
    rows = rows_named(what)
    value: Any = [prompts] if isinstance(prompts, str | Prompt) else prompts
    request = asked_of(model, value, choices, prepend_bos)
    left_out = misfits(rows, request)
    if left_out and is_by_name(what):
        raise ValueError(" ".join(next(iter(left_out.items()))))
    applicable = [row for row in rows if row.name not in left_out]
    size = request_size(request)
    passes = costly_analyses(applicable, size) if what is None else {}
    chosen = [item for item in applicable if item.name not in passes]
    finished: dict[str, list[Result]] = {}
    results = partial(results_by_analysis, sorted(chosen, key=lambda row: row.cost(size)), request, batch_size)
    with freed_at_once():
        try:
            for name, of_prompts in results(watch) if watch else with_a_bar(results, len(chosen)):
                finished[name] = of_prompts
                if arrived is not None:
                    arrived(findings({name: of_prompts}, chosen, request))
        except KeyboardInterrupt as stop:
            raise Interruption(findings(finished, chosen, request)) from stop
        seconds = pass_seconds(model, request.prompts) if passes else 0.0
    estimates = {name: count * seconds for name, count in passes.items()}
    return replace(findings(finished, chosen, request), left_out=left_out, costly=estimates)


def asked_of(
    model: HookedModel, prompts: Sequence[str] | Sequence[Prompt], choices: Choices, prepend_bos: bool | None
) -> AnalysisRequest:
    """The prompts as ids and the model's facts and weights; a pair for patching where a corrupt prompt was given."""
    facts, bos = model_facts(model), begins_with_bos(model, prepend_bos)
    read = tuple(as_read(prompts, model, facts, bos))
    refuse_distance(model, choices)
    weights = cache(lambda: circuit_weights(model, head_weights(model), choices))
    setting = Setting(facts, weights, tokenizer_of(model))

    def analyse_another(other: HookedModel, names: list[str]) -> Findings:
        return analyse(other, read, names, choices=Choices(embedding=choices.embedding), prepend_bos=bos)

    plain, followed = choices.to_json(), followed_numbers(facts)
    request = AnalysisRequest(
        model, setting, read, analyse_another, bos, run=choices.run, choices=plain, followed=followed
    )
    if choices.corrupt is None or len(read) > 1 or not facts.modality.reads_ids:  # patching takes one text, and says so
        return request
    clean, corrupt = map(text_alone, (*read, *as_read([choices.corrupt], model, facts, bos)))
    return replace(request, pair=prompt_pair(model, clean, corrupt, choices))


def findings(
    finished: dict[str, list[Result]], chosen: Sequence[Analysis | Probe], request: AnalysisRequest
) -> Findings:
    """The results in the order of the table, or their means; gauges are those of this model's kernels."""
    rows = [item for item in chosen if item.name in finished]
    means = {row.name: averaged(finished[row.name]) for row in rows if len(finished[row.name]) > 1}
    results = {row.name: means[row.name].mean if row.name in means else finished[row.name][0] for row in rows}
    facts, words = request.setting.facts, request.prompts[0].words
    return Findings(
        model=str(request.model.cfg.model_name),
        facts=facts,
        prompts=request.prompts,
        results={name: replace(item, about=result_about(item, facts, words)) for name, item in results.items()},
        spread={name: item.spread for name, item in means.items()},
        choices=request.choices,
        questions={row.name: row.question(words) for row in rows},
    )


def result_about(result: Result, facts: ModelFacts, words: Words) -> About:
    """What a result says of itself, of this model's gauges and in the words of what was read."""
    return result.about.of_gauges(facts.gauges).said_with(words)


def refuse_unhooked(model: object, asked: str = "analyse") -> None:
    """Raise TypeError for a name, a folder or a plain model, and say how it becomes a hooked one."""
    if isinstance(model, str | Path):
        raise TypeError(f"{asked} takes a hooked model, got {str(model)!r}: use load({str(model)!r})")
    if not isinstance(model, HookedModel):
        raise TypeError(
            f"{asked} takes a hooked model, got a {type(model).__name__}: use headscope.load or headscope.hooked"
        )

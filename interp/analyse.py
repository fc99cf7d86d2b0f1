"""Analyse: the one thin layer between a model with prompts and the analyses, which are functions of tensors."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch

from interp.activations import Activations, gather
from interp.analyses import ANALYSES
from interp.analysis import Analysis, Setting
from interp.equal_lengths import batches
from interp.findings import Findings, averaged
from interp.head_weights import head_weights
from interp.hooked_model import tokenizer_of
from interp.model_facts import ModelFacts, model_facts
from interp.prompt_tokens import PromptTokens, prompt_tokens
from interp.result import Result

Watch = Callable[[int, int], None]
NOTHING_RUN = Activations(PromptTokens((), ()), {}, torch.empty(0, 0))


def analyse(
    model: Any,
    prompts: str | Sequence[str] | Sequence[PromptTokens],
    what: Sequence[str] | None = None,
    *,
    prepend_bos: bool = False,
    batch_size: int = 8,
    watch: Watch = lambda done, total: None,
) -> Findings:
    """The named analyses of a hooked model on a prompt, or on several: then means with their spread.

    By default all that apply to the model, and over several prompts all of those that have a mean. Caches the hooks
    that they read and no others; prompts of one length run together, at most batch_size. watch(done, total) is called
    after every batch. Raises ValueError for an analysis that is unknown or does not fit, and for a prompt that the
    model cannot read.
    """
    facts = model_facts(model)
    read = as_tokens([prompts] if isinstance(prompts, str) else prompts, model, facts, prepend_bos)
    chosen = chosen_analyses(what, facts, len(read))
    setting = Setting(facts, head_weights(model))
    found = {one.name: [one.compute(setting, NOTHING_RUN)] for one in chosen if not one.needs}
    runs = list(batches(read, batch_size, lambda prompt: len(prompt.ids)))
    found |= of_prompts(model, setting, [one for one in chosen if one.needs], runs, watch)
    means = {name: averaged(results) for name, results in found.items() if len(results) > 1}
    return Findings(
        model=str(model.cfg.model_name),
        facts=facts,
        prompts=tuple(read),
        results={one.name: means[one.name].mean if one.name in means else found[one.name][0] for one in chosen},
        spread={name: one.spread for name, one in means.items()},
    )


def of_prompts(
    model: Any, setting: Setting, chosen: Sequence[Analysis], runs: Sequence[list[PromptTokens]], watch: Watch
) -> dict[str, list[Result]]:
    """The results of every prompt, by analysis; no model is run where nothing is asked of a prompt."""
    if not chosen:
        return {}
    needs = sorted({name for one in chosen for name in one.needs})
    found: dict[str, list[Result]] = defaultdict(list)
    done, total = 0, sum(map(len, runs))
    for run in runs:
        for activations in gather(model, run, needs):
            for one in chosen:
                found[one.name].append(one.compute(setting, activations))
        done += len(run)
        watch(done, total)
    return found


def chosen_analyses(what: Sequence[str] | None, facts: ModelFacts, prompts: int) -> list[Analysis]:
    """The rows of the table that are meant, or all that fit; what is unknown or does not fit is refused."""
    if what is None:
        return [one for one in ANALYSES.values() if not misfit(one, facts, prompts)]
    names = dict.fromkeys([what] if isinstance(what, str) else what)
    if unknown := [name for name in names if name not in ANALYSES]:
        raise ValueError(f"unknown analysis {unknown[0]!r}; known: {', '.join(ANALYSES)}")
    if not names:
        raise ValueError(f"no analysis was asked for; known: {', '.join(ANALYSES)}")
    chosen = [ANALYSES[name] for name in names]
    if refusals := [words for one in chosen if (words := misfit(one, facts, prompts))]:
        raise ValueError(refusals[0])
    return chosen


def misfit(analysis: Analysis, facts: ModelFacts, prompts: int) -> str:
    """Why an analysis has nothing to say here, or nothing."""
    if not analysis.applies(facts):
        return f"{analysis.name} says nothing about a model with {facts.variant} attention: {analysis.summary}"
    if analysis.over_tokens and prompts > 1:
        return f"{analysis.name} runs over the tokens of one prompt, and {prompts} were given: give one"
    return ""


def as_tokens(
    prompts: Sequence[str] | Sequence[PromptTokens], model: Any, facts: ModelFacts, prepend_bos: bool
) -> list[PromptTokens]:
    """Each prompt as the ids that the model reads."""
    if not prompts:
        raise ValueError("no prompt was given; give a text, or several")
    sizes = {"vocabulary": facts.vocabulary, "context": facts.context}
    return [
        one
        if isinstance(one, PromptTokens)
        else prompt_tokens(one, tokenizer_of(model), prepend_bos=prepend_bos, **sizes)
        for one in prompts
    ]

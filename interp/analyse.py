"""Analyse: the one thin layer between a model with prompts and the analyses, which are functions of tensors."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from interp.about import About
from interp.activations import Activations, gather
from interp.analysis import Analysis, Asked, Probe, Setting
from interp.averaged import averaged
from interp.choices import Choices, circuit_weights, prompt_pair
from interp.equal_lengths import batches
from interp.findings import Findings
from interp.fitting import misfits, question, rows_named
from interp.given_prompts import Given, as_read
from interp.head_weights import head_weights
from interp.hooked_model import HookedModel, tokenizer_of
from interp.image_prompt import ImagePrompt
from interp.image_words import about_images, said_of_images
from interp.model_facts import ModelFacts, model_facts
from interp.prompt import Prompt, text_alone
from interp.prompt_tokens import PromptTokens
from interp.result import Result

Progress = Callable[[str, int, int], None]
NOTHING_RUN = Activations(PromptTokens((), ()), {}, torch.empty(0, 0))
PROMPTS = "prompts"


def analyse(
    model: Any,
    prompts: Given,
    what: Sequence[str] | None = None,
    *,
    choices: Choices = Choices(),  # noqa: B008
    prepend_bos: bool = False,
    batch_size: int = 8,
    watch: Progress = lambda stage, done, total: None,
) -> Findings:
    """The named analyses of a hooked model on a prompt, or on several: then means with their spread.

    By default all that apply to the model, and over several prompts all of those that have a mean. Caches the hooks
    that they read and no others; prompts of one length run together, at most batch_size. choices: what only some
    analyses read. watch(stage, done, total) is called after every batch of prompts and every step of an analysis that
    runs the model itself. Raises ValueError for an analysis that is unknown or does not fit, and for a prompt that the
    model cannot read; TypeError for what is no hooked model.
    """
    refuse_unhooked(model)
    rows = rows_named(what)
    given: Any = [prompts] if isinstance(prompts, str | PromptTokens | ImagePrompt) else prompts
    asked = asked_of(model, given, choices, prepend_bos)
    left_out = misfits(rows, asked)
    if left_out and what is not None:
        raise ValueError(" ".join(next(iter(left_out.items()))))
    chosen = [one for one in rows if one.name not in left_out]
    said = findings(computed(chosen, asked, batch_size, watch), asked)
    questions = {one.name: question(one) for one in chosen}
    if said.facts.reads == "image":
        questions = {name: said_of_images(words) for name, words in questions.items()}
    return replace(said, questions=questions, left_out=left_out)


def asked_of(model: Any, prompts: Sequence[str] | Sequence[Prompt], choices: Choices, prepend_bos: bool) -> Asked:
    """The prompts as ids and the model's facts and weights; a pair for patching where a corrupt prompt was given."""
    facts = model_facts(model)
    read = tuple(as_read(prompts, model, facts, prepend_bos))
    setting = Setting(facts, circuit_weights(model, head_weights(model), choices), tokenizer_of(model))
    asked = Asked(model, setting, read, prepend_bos, run=choices.run, choices=choices.to_json())
    if choices.corrupt is None or len(read) > 1 or facts.reads == "image":  # patching takes one text, and says so
        return asked
    clean, corrupt = map(text_alone, (*read, *as_read([choices.corrupt], model, facts, prepend_bos)))
    return replace(asked, pair=prompt_pair(model, clean, corrupt, choices))


def computed(
    chosen: Sequence[Analysis | Probe], asked: Asked, batch_size: int, watch: Progress
) -> dict[str, list[Result]]:
    """The results of every analysis, in order: one, or one of every prompt."""
    found = dict(of_weights(asked.setting, chosen)) | of_prompts(asked, chosen, batch_size, partial(watch, PROMPTS))
    for one in chosen:
        if isinstance(one, Probe):
            found[one.name] = list(probed(one, asked, watch))
    return {one.name: found[one.name] for one in chosen}


def of_weights(setting: Setting, chosen: Sequence[Analysis | Probe]) -> Iterator[tuple[str, list[Result]]]:
    """The analyses of the weights alone."""
    for one in chosen:
        if isinstance(one, Analysis) and not one.needs:
            yield one.name, [one.compute(setting, NOTHING_RUN)]


def of_prompts(
    asked: Asked, chosen: Sequence[Analysis | Probe], batch_size: int, watch: Callable[[int, int], None]
) -> dict[str, list[Result]]:
    """The results of every prompt, by analysis; no model is run where nothing is asked of a prompt."""
    readers = [one for one in chosen if isinstance(one, Analysis) and one.needs]
    needs = sorted({name for one in readers for name in one.needs})
    found: dict[str, list[Result]] = defaultdict(list)
    done = 0
    for run in batches(asked.prompts if readers else (), batch_size, len):
        for activations in gather(asked.model, run, needs):
            for one in readers:
                found[one.name].append(one.compute(asked.setting, activations))
        done += len(run)
        watch(done, len(asked.prompts))
    return found


def probed(probe: Probe, asked: Asked, watch: Progress) -> Iterator[Result]:
    """What a probe finds, of all prompts together or of each."""
    for prompts in [asked.prompts] if probe.together else [(one,) for one in asked.prompts]:
        yield probe.compute(replace(asked, prompts=prompts), partial(watch, probe.name))


def findings(found: dict[str, list[Result]], asked: Asked) -> Findings:
    """The results, or their means; what depends on the gauge is said of this model's kernels."""
    means = {name: averaged(results) for name, results in found.items() if len(results) > 1}
    facts = asked.setting.facts
    results = {name: means[name].mean if name in means else one for name, [one, *_] in found.items()}
    return Findings(
        model=str(asked.model.cfg.model_name),
        facts=facts,
        prompts=asked.prompts,
        results={name: replace(one, about=about_of(one, facts)) for name, one in results.items()},
        spread={name: one.spread for name, one in means.items()},
        choices=asked.choices,
    )


def about_of(result: Result, facts: ModelFacts) -> About:
    """What a result says of itself, of this model's gauges and of what it reads."""
    about = result.about.of_gauges(facts.gauges)
    return about_images(about) if facts.reads == "image" else about


def refuse_unhooked(model: Any) -> None:
    """Raise TypeError for a name, a folder or a plain model, and say how it becomes a hooked one."""
    if isinstance(model, str | Path):
        raise TypeError(f"analyse takes a hooked model, got {str(model)!r}: use load({str(model)!r})")
    if not isinstance(model, HookedModel):
        raise TypeError(f"analyse takes a hooked model, got a {type(model).__name__}: use models.load or models.hooked")

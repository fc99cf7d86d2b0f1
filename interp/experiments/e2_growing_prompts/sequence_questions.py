"""Sequence questions: what a model of ones and zeros answers, and how far apart it keeps two nearly equal prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from headscope.interp.arms.trial import Numbers
from headscope.interp.collapse.curves import collapse
from headscope.interp.collapse.pairs import CollapsePair, question_ids, repeated_unit
from headscope.interp.experiments.e2_growing_prompts.distance_curves import distance_slope, final_distance
from headscope.interp.experiments.e2_growing_prompts.sequence_models import SequenceSize
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.equal_lengths import batches
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt_tokens import encoded_ids, prompt_tokens
from headscope.interp.reading.watch import Watch, watch_nothing
from headscope.models.data.tasks.ones_and_zeros import (
    COUNTS,
    SEARCHES,
    count_text,
    counted_digits,
    search_text,
    searched_digits,
)

QUESTIONS = {"count_ones": COUNTS, "find_a_zero": SEARCHES}
GROWTH = 10  # how many times the first n the last one is, as in the paper
ROWS, SEED = 64, 1  # another seed than that of the texts to train on


@dataclass(frozen=True)
class Sequence01:
    """A prompt that ends with the last digit of its sequence, and the word that answers it."""

    prompt: str
    answer: str


def lengths(size: SequenceSize) -> list[int]:
    """Up to `points` lengths to `longest`, the first a tenth of it, evenly spaced by ratio."""
    return sorted({round(n) for n in np.geomspace(max(1, size.longest // GROWTH), size.longest, size.points)})


def question_pairs(kind: str, question: str, tokenizer: PreTrainedTokenizerBase, n: list[int]) -> list[CollapsePair]:
    """The question and n or n + 1 ones; or 0 and n − 1 ones beside n ones."""
    before = question_ids(question, tokenizer, prepend_bos=True)
    [one], [zero] = (encoded_ids(digit, tokenizer, prepend_bos=False) for digit in "10")
    if kind == "count_ones":
        return repeated_unit([one], [length - 1 for length in n], before)
    return [CollapsePair(k, (*before, zero, *[one] * (k - 1)), (*before, *[one] * k)) for k in n]


def distance_numbers(kind: str, model: HookedModel, size: SequenceSize, watch: Watch = watch_nothing) -> Numbers:
    """Means over questions of ln D(n), of ln D(n) of unrelated prompts, and the slope of their difference over ln n.

    apart: D over that of unrelated prompts at the first n.
    """
    tokenizer, n = tokenizer_of(model), lengths(size)
    assert tokenizer is not None  # every model of the experiment reads text
    asked = QUESTIONS[kind][: size.questions]
    curves = []
    for at, question in enumerate(asked):
        watch(at, len(asked))
        curves.append(collapse(model, question_pairs(kind, question, tokenizer, n), seed=at))
    own, unrelated = (
        geometric_mean([final_distance(item, unrelated=flag) for item in curves]) for flag in (False, True)
    )
    over = [item / other for item, other in zip(own, unrelated, strict=True)]
    return {
        f"{kind}_n": n,
        f"{kind}_distance": own,
        f"{kind}_over_unrelated": over,
        f"{kind}_slope": distance_slope(n, over),
        f"{kind}_own_slope": distance_slope(n, own),
        f"{kind}_apart": over[0],
    }


def geometric_mean(curves: Sequence[Sequence[float]]) -> list[float]:
    """At every point; 0 where a curve is 0."""
    with np.errstate(divide="ignore"):
        return np.exp(np.log(np.array(curves)).mean(0)).tolist()


def answer_numbers(model: HookedModel, size: SequenceSize) -> Numbers:
    """Shares of sequences of which the likeliest of all answers is right."""
    return {f"{kind}_right": right_share(model, sequences) for kind, sequences in asked_sequences(size).items()}


def asked_sequences(size: SequenceSize) -> dict[str, list[Sequence01]]:
    """Sequences of lengths evenly spread, some for every question."""
    dice = np.random.default_rng(SEED)
    result: dict[str, list[Sequence01]] = {kind: [] for kind in QUESTIONS}
    for length in np.linspace(1, size.longest, size.answered).round().astype(int).tolist():
        for question in COUNTS[: size.questions]:
            result["count_ones"].append(sequence_of(count_text(question, counted_digits(length, dice))))
        for question in SEARCHES[: size.questions]:
            result["find_a_zero"].append(sequence_of(search_text(question, searched_digits(length, dice))))
    return result


def sequence_of(text: str) -> Sequence01:
    """A text, cut before its last word."""
    return Sequence01(*text.rsplit(" ", 1))


def right_share(model: HookedModel, sequences: Sequence[Sequence01]) -> float:
    """Right where the answer is likelier than all other words but the digits, one of which may come as well."""
    tokenizer = tokenizer_of(model)
    assert tokenizer is not None  # every model of the experiment reads text
    sizes = {"vocabulary": model.cfg.d_vocab, "context": model.cfg.n_ctx}
    digits = [encoded_ids(digit, tokenizer, prepend_bos=False)[0] for digit in "01"]
    read = [(prompt_tokens(item.prompt, tokenizer, prepend_bos=True, **sizes), item.answer) for item in sequences]
    right = []
    for some in batches(read, ROWS, lambda item: len(item[0].ids)):
        for (_, answer), run in zip(some, gathered_activations(model, [prompt for prompt, _ in some], []), strict=True):
            logits = run.logits[-1].clone()
            logits[digits] = -torch.inf
            right.append(int(logits.argmax()) == encoded_ids(answer, tokenizer, prepend_bos=False)[0])
    return sum(right) / len(right)

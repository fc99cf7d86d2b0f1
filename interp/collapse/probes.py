"""The rows of collapse that run the model on prompts of their own: D(n), and over-squashing by derivatives."""

from collections.abc import Callable, Sequence

from transformers import PreTrainedTokenizerBase

from headscope.interp.analysis import AnalysisRequest, Probe
from headscope.interp.collapse.curves import SAMPLES, CollapseCurves, collapse
from headscope.interp.collapse.pairs import (
    COUNT_ONES,
    FIND_A_ZERO,
    CollapsePair,
    count_ones,
    doubling,
    find_a_zero,
    prefix_pairs,
    question_ids,
)
from headscope.interp.collapse.squashing import DIRECTIONS, SMALL, Squashing, squashing
from headscope.interp.reading.prompt import text_alone
from headscope.interp.reading.size import FEWEST, Size
from headscope.interp.reading.watch import Watch
from headscope.models.io.foreign_input import ForeignInputError

FIRST, LONGEST = 4, 1024
SHORT = 16  # up to so many tokens, every length of a prompt is a point
Preset = Callable[..., list[CollapsePair]]


def preset(pairs: Preset, question: str) -> Callable[[AnalysisRequest, Watch], CollapseCurves]:
    """D(n) of a preset for doubling n, up to the context or LONGEST tokens."""

    def curve(request: AnalysisRequest, watch: Watch) -> CollapseCurves:
        tokenizer = reading_tokenizer(request)
        around = len(question_ids(question, tokenizer, prepend_bos=request.bos)) + 1
        most = min(LONGEST, request.setting.facts.context - around)
        return collapse(
            request.model, pairs(tokenizer, doubling(min(FIRST, most), most), prepend_bos=request.bos), watch=watch
        )

    return curve


def reading_tokenizer(request: AnalysisRequest) -> PreTrainedTokenizerBase:
    """The tokenizer of a model that reads text, as no_digits has made sure."""
    assert request.setting.tokenizer is not None
    return request.setting.tokenizer


def lacking(question: str) -> Callable[[AnalysisRequest], str]:
    """What a model lacks for a preset."""

    def missing(request: AnalysisRequest) -> str:
        if words := no_digits(request):
            return words
        try:
            tokens = len(question_ids(question, reading_tokenizer(request), prepend_bos=request.bos))
        except ForeignInputError as refusal:
            return f"asks in words, and {refusal}"
        context = request.setting.facts.context
        if context < tokens + 2:
            return (
                f"asks a question of {tokens} tokens, and this model reads {context}: collapse_prompt takes any prompt"
            )
        return ""

    return missing


def no_digits(request: AnalysisRequest) -> str:
    """What a model lacks to be asked about zeros and ones."""
    tokenizer = request.setting.tokenizer
    if tokenizer is None:
        return "asks in words, and this model has no tokenizer: collapse_prompt takes ids"
    unknown = [digit for digit in "01" if digit not in tokenizer.get_vocab()]
    if unknown:
        return f"needs a token {unknown[0]!r}, which this model's vocabulary has not: collapse_prompt takes any prompt"
    return ""


def prompt_collapse(request: AnalysisRequest, watch: Watch) -> CollapseCurves:
    """D(n) of the prompt's first n tokens."""
    prompt = text_alone(*request.prompts)
    lengths = beginnings(len(prompt.ids), request.setting.facts.context)
    return collapse(request.model, prefix_pairs(prompt.ids, lengths), watch=watch)


def beginnings(length: int, context: int) -> Sequence[int]:
    """How many tokens each point of a prompt's curve has."""
    most = min(length, context - 1)
    return range(min(2, most), most + 1) if most <= SHORT else doubling(FIRST, most)


def growing(size: Size, lengths: Sequence[int], kinds: int = 2) -> int:
    """A pass over the longest prompt of each kind and of the null, and one over a few tokens for every other end.

    An encoder takes one for every prompt.
    """
    if not size.facts.is_causal:
        return sum((2 + SAMPLES) * size.passes(length, length) for length in lengths)
    longest, ends = max(lengths) + 1, len(lengths) * (1 + SAMPLES)
    return (kinds + SAMPLES) * size.passes(longest, longest) + ends * size.passes(FEWEST)


def presets_cost(size: Size) -> int:
    """The cost of a preset's curve, but for its question."""
    most = min(LONGEST, size.facts.context)
    return growing(size, doubling(min(FIRST, most), most))


def prompts_cost(size: Size) -> int:
    """The cost of a curve over the beginnings of the prompt."""
    return sum(growing(size, beginnings(length, size.facts.context), kinds=1) for length in size.lengths)


def prompt_squashing(request: AnalysisRequest, watch: Watch) -> Squashing:
    """Over-squashing of the prompt's last token, or of an image's class token."""
    [prompt] = request.prompts
    return squashing(request.model, prompt, prompt.strings, position=prompt.read_out, watch=watch)


def squashing_cost(size: Size) -> int:
    """A pass for every output, or one and DIRECTIONS pulled back through it."""
    d_model = size.facts.d_model
    if d_model > SMALL:
        return (1 + DIRECTIONS) * size.pass_over_prompts()
    return d_model * sum(size.passes(length, length) for length in size.lengths)


PROBES = (
    Probe(
        "collapse_count_ones",
        "how far apart n and n + 1 ones are for the last token, after a question that asks for their number",
        preset(count_ones, COUNT_ONES),
        together=True,
        missing=lacking(COUNT_ONES),
        text_only="asks in words, and this model reads images",
        cost=presets_cost,
        version=2,
    ),
    Probe(
        "collapse_find_a_zero",
        "how far apart a sequence of ones and one that begins with a zero are for the last token",
        preset(find_a_zero, FIND_A_ZERO),
        together=True,
        missing=lacking(FIND_A_ZERO),
        text_only="asks in words, and this model reads images",
        cost=presets_cost,
        version=2,
    ),
    Probe(
        "collapse_prompt",
        "how far apart the prompt's first n tokens and the same with the last one repeated are for the last token",
        prompt_collapse,
        over_tokens=True,
        text_only="runs the beginnings of a text, and an image has always as many patches",
        cost=prompts_cost,
        version=2,
    ),
    Probe(
        "squashing",
        "how much the {last}'s output depends on the embedding of every {token}, by its derivatives",
        prompt_squashing,
        over_tokens=True,
        cost=squashing_cost,
    ),
)

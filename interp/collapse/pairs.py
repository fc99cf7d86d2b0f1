"""Collapse pairs: two prompts that differ by little and end in the same token, one pair per length n."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from headscope.interp.reading.prompt_tokens import encoded_ids

COUNT_ONES = "How many ones are in the following sequences?"
FIND_A_ZERO = "Is there a zero in the following sequences?"


@dataclass(frozen=True)
class CollapsePair:
    """Ids of two prompts whose last residuals are compared, and the length n under which their distance is drawn."""

    n: int
    first: tuple[int, ...]
    second: tuple[int, ...]


def repeated_last(ids: Sequence[int]) -> CollapsePair:
    """A prompt and the same prompt with its last token repeated once (Barbero et al. 2024, theorem 4.2)."""
    if not ids:
        raise ValueError("an empty prompt was given, which has no last token to repeat; give one token at least")
    return CollapsePair(len(ids), tuple(ids), (*ids, ids[-1]))


def prefix_pairs(ids: Sequence[int], lengths: Sequence[int]) -> list[CollapsePair]:
    """The first n tokens of any prompt, and these with the last one repeated."""
    refuse_lengths(lengths, most=len(ids))
    return [repeated_last(ids[:n]) for n in lengths]


def continued(first: Sequence[int], second: Sequence[int], more: Sequence[int]) -> list[CollapsePair]:
    """Any two prompts that end in the same token, each with so many more of that token; 0 is the pair itself.

    n is the length of the longer one. Raises ValueError for an empty prompt, and for others that end differently.
    """
    if not first or not second or first[-1] != second[-1]:
        raise ValueError("two prompts that end in the same token can be continued by it; these do not")
    longer = max(len(first), len(second))
    tails = [[first[-1]] * count for count in more]
    return [CollapsePair(longer + len(tail), (*first, *tail), (*second, *tail)) for tail in tails]


def repeated_unit(unit: Sequence[int], lengths: Sequence[int], before: Sequence[int] = ()) -> list[CollapsePair]:
    """A template: `before`, then the unit over and over, cut after n tokens; and the same with the last one repeated.

    Law: with nothing before a unit of one token, a model without learned positions whose attention rows sum to one
    gives every position the same residual: the distance is 0, and the model cannot count.
    """
    if not unit:
        raise ValueError("an empty unit was given, which cannot be repeated; give one token at least")
    refuse_lengths(lengths)
    pairs = [repeated_last((*before, *(unit[i % len(unit)] for i in range(n)))) for n in lengths]
    return [CollapsePair(n, pair.first, pair.second) for n, pair in zip(lengths, pairs, strict=True)]


def count_ones(
    tokenizer: PreTrainedTokenizerBase, lengths: Sequence[int], question: str = COUNT_ONES, prepend_bos: bool = False
) -> list[CollapsePair]:
    """The question, then n and n + 1 tokens "1", as in the published code of Lv et al. 2024 (arXiv 2411.07176).

    Each 1 is a token of its own: a text of ones would be merged into longer tokens by many tokenizers.
    """
    return repeated_unit([token_of("1", tokenizer)], lengths, question_ids(question, tokenizer, prepend_bos))


def find_a_zero(
    tokenizer: PreTrainedTokenizerBase, lengths: Sequence[int], question: str = FIND_A_ZERO, prepend_bos: bool = False
) -> list[CollapsePair]:
    """The question, then 0 and n ones, or 1 and n ones, a token each, as in the published code of Lv et al. 2024."""
    refuse_lengths(lengths)
    before = question_ids(question, tokenizer, prepend_bos)
    item, zero = token_of("1", tokenizer), token_of("0", tokenizer)
    return [CollapsePair(n, (*before, zero, *[item] * n), (*before, item, *[item] * n)) for n in lengths]


def doubling(first: int, most: int) -> tuple[int, ...]:
    """first, 2·first, 4·first, … and `most` itself."""
    if not 1 <= first <= most:
        raise ValueError(f"lengths from {first} to {most} were asked for; the first is at least 1, the last no less")
    lengths = [first]
    while 2 * lengths[-1] < most:
        lengths.append(2 * lengths[-1])
    return tuple(dict.fromkeys((*lengths, most)))


def question_ids(question: str, tokenizer: PreTrainedTokenizerBase, prepend_bos: bool) -> tuple[int, ...]:
    """The ids of a question, which may be empty."""
    return encoded_ids(question, tokenizer, prepend_bos and tokenizer.bos_token_id is not None)


def token_of(symbol: str, tokenizer: PreTrainedTokenizerBase) -> int:
    """The id of the token that is the symbol alone. Raises ValueError where the vocabulary has none."""
    if symbol not in tokenizer.get_vocab():
        raise ValueError(f"the vocabulary has no token {symbol!r}; give ids of two others to repeated_unit")
    return tokenizer.get_vocab()[symbol]


def refuse_lengths(lengths: Sequence[int], most: int | None = None) -> None:
    """Raise ValueError for no length, and for one that cannot be."""
    if not lengths:
        raise ValueError("no length was given; give one at least")
    if strangers := [n for n in lengths if n < 1 or (most is not None and n > most)]:
        raise ValueError(f"length {strangers[0]} was asked for; lengths run from 1{f' to {most}' if most else ''}")

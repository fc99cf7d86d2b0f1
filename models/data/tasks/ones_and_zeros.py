"""Ones and zeros: questions about a sequence of 0 and 1, each digit a token, answered right behind its last one.

How many ones are in the following sequences? 1 1 0 1 → n3
Is there a zero in the following sequences? 1 1 0 1 → yes

Nothing says where a sequence ends: behind every digit either another one may come or the answer, so that a model has to
know the answer there (after count_ones and find_a_zero of Lv et al. 2024, arXiv 2411.07176).
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from headscope.models.data.document import Document

WORDS = list(product(("following", "next"), ("sequences", "lists")))
COUNTS = tuple(
    form.format(place, noun)
    for form in (
        "How many ones are in the {} {}?",
        "How many ones do the {} {} hold?",
        "What is the number of ones in the {} {}?",
        "Count the ones in the {} {}.",
        "Say how many ones there are in the {} {}.",
        "How often does a one stand in the {} {}?",
    )
    for place, noun in WORDS
)
SEARCHES = tuple(
    form.format(place, noun)
    for form in (
        "Is there a zero in the {} {}?",
        "Do the {} {} hold a zero?",
        "Is a zero in the {} {}?",
        "Look for a zero in the {} {}.",
        "Say whether there is a zero in the {} {}.",
        "Does a zero stand in the {} {}?",
    )
    for place, noun in WORDS
)
TEXTS, LONGEST, SEED = 40_000, 112, 0
PURE, ZEROS = 0.5, 0.3  # the share of sequences of ones alone, and of zeros in the others that are counted


def ones_and_zeros_documents(texts: int = TEXTS, longest: int = LONGEST) -> Iterator[Document]:
    """Texts of both kinds, alike many; equal texts bear one name. Lengths are alike likely by their logarithm."""
    dice = np.random.default_rng(SEED)
    for _ in range(texts):
        length = int(np.exp(dice.uniform(0, np.log(longest + 1))))
        if dice.random() < 0.5:
            text = count_text(COUNTS[dice.integers(len(COUNTS))], counted_digits(length, dice))
        else:
            text = search_text(SEARCHES[dice.integers(len(SEARCHES))], searched_digits(length, dice))
        yield Document(text, text)


def counted_digits(length: int, dice: np.random.Generator) -> list[int]:
    """Ones alone, or ones and zeros."""
    zeros = 0.0 if dice.random() < PURE else ZEROS
    return (dice.random(length) >= zeros).astype(int).tolist()


def searched_digits(length: int, dice: np.random.Generator) -> list[int]:
    """Ones alone, or with a zero at any place."""
    digits = [1] * length
    if dice.random() >= PURE:
        digits[dice.integers(length)] = 0
    return digits


def count_text(question: str, digits: Sequence[int]) -> str:
    """A question and how many ones there are."""
    return f"{question} {spaced(digits)} {number_word(sum(digits))}"


def search_text(question: str, digits: Sequence[int]) -> str:
    """A question and whether there is a zero."""
    return f"{question} {spaced(digits)} {'no' if all(digits) else 'yes'}"


def spaced(digits: Sequence[int]) -> str:
    """Digits, each a word."""
    return " ".join(map(str, digits))


def number_word(count: int) -> str:
    """A number as a word that is no digit of a sequence."""
    return f"n{count}"

"""A text cut to its first or last tokens: its own characters, and never more tokens than were asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CORPUS, tiny_tokenizer

from headscope.interp.reading.prompt_tokens import encoded_ids
from headscope.interp.reading.shortened_prompt import End, shortened_prompt

TOKENIZER = tiny_tokenizer()


def test_both_ends_of_a_text_are_its_own_characters() -> None:
    text = CORPUS[0] * 5
    first, last = (shortened_prompt(text, TOKENIZER, 20, end) for end in ("first", "last"))
    assert text.startswith(first) and text.endswith(last)
    assert [len(encoded_ids(part, TOKENIZER, False)) for part in (first, last)] == [20, 20]


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=40), st.integers(4, 12), st.sampled_from(["first", "last"]))
def test_no_cut_makes_more_tokens(text: str, most: int, end: End) -> None:
    part = shortened_prompt(text, TOKENIZER, most, end)
    assert part and part in text and len(encoded_ids(part, TOKENIZER, False)) <= most


@pytest.mark.parametrize(("end", "part"), [("first", "5 6"), ("last", "7 8")])
def test_ids_are_cut_as_ids(end: End, part: str) -> None:
    assert shortened_prompt("5,6 7 8", None, 2, end) == part


def test_what_no_cut_makes_short_enough_is_refused() -> None:
    with pytest.raises(ValueError, match="no part of this text is 1 tokens or less"):
        shortened_prompt("😀", TOKENIZER, 1, "first")

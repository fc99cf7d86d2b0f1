"""Stories of indirect objects: the text settles its answer, held-out pairs never meet, every word is one token."""

from collections import Counter
from functools import cache
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from headscope.models.data.document import Document
from headscope.models.data.tasks.indirect_objects import held_out_gifts, indirect_object_documents, of_strangers
from headscope.models.data.tasks.names import NAMES, held_out_pairs, may_meet
from headscope.models.data.tasks.story import BELONGINGS, GIFTS, MEETINGS, Story
from headscope.models.data.text.sources import Stories
from headscope.models.data.text.word_tokenizer import UNKNOWN, word_tokenizer

TEXTS = 3000
STORIES = [
    Story(meeting, deed, "Mary", "John", actor)
    for meeting, deed, actor in product(MEETINGS, GIFTS + BELONGINGS, ("Mary", "John"))
]


@cache
def texts() -> tuple[Document, ...]:
    return tuple(indirect_object_documents(TEXTS))


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    return word_tokenizer((one.text for one in texts()), vocabulary=128, context=32)


def people_in(text: str) -> set[str]:
    return {name for name in NAMES if name in text.replace(".", "").replace(",", "").split()}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.prompt)
def test_the_text_settles_the_answer(story: Story) -> None:
    given = "Mary" if story.actor == "John" else "John"
    assert story.answers == ((given,) if story.deed in GIFTS else (story.actor,))


def test_who_stands_first_says_nothing_of_the_answer() -> None:
    asked = held_out_gifts(200)
    assert Counter(story.answers[0] == story.first for story in asked) == {True: 100, False: 100}


def test_a_third_person_may_give_to_either() -> None:
    story = Story(MEETINGS[0], GIFTS[0], "Mary", "John", "Anna")
    assert story.answers == ("Mary", "John")


def test_held_out_pairs_never_meet_in_a_text() -> None:
    met = {pair for one in texts() for pair in combinations(sorted(people_in(one.text)), 2)}
    assert met & set(held_out_pairs()) == set()
    assert len(met) > 0.9 * len(set(combinations(sorted(NAMES), 2)) - set(held_out_pairs()))


def test_prompts_are_of_held_out_pairs_whose_names_are_known() -> None:
    asked = held_out_gifts(200)
    assert not any(may_meet((story.first, story.second)) for story in asked)
    assert all(UNKNOWN not in tokenizer().tokenize(story.prompt) for story in asked)


def test_texts_of_the_same_people_bear_one_name() -> None:
    assert all(set(one.name.split()) == people_in(one.text) for one in texts())


def test_texts_are_the_same_every_time() -> None:
    assert Stories(texts=TEXTS).documents() == list(texts())


@given(st.integers(0, 2**32 - 1))
def test_strangers_are_three_others(seed: int) -> None:
    story = STORIES[0]
    other = of_strangers(story, np.random.default_rng(seed))
    assert len({other.first, other.second, other.actor, story.first, story.second}) == 5
    assert (other.meeting, other.deed, other.place) == (story.meeting, story.deed, story.place)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_token_with_and_without_its_space(name: str) -> None:
    assert tokenizer().encode(f" {name}") == tokenizer().encode(name)
    assert tokenizer().tokenize(name) == [f"▁{name}"]


@pytest.mark.parametrize("text", [one.text for one in indirect_object_documents(20)])
def test_the_word_tokenizer_gives_its_texts_back(text: str) -> None:
    assert tokenizer().decode(tokenizer().encode(text)) == text


def test_the_word_tokenizer_is_the_same_from_its_folder(tmp_path: Path) -> None:
    tokenizer().save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    text = "Then, Mary met a stranger. John gave a drink to"
    assert again.encode(text) == tokenizer().encode(text)
    assert again.decode(again.encode(text)) == f"Then, Mary met a{UNKNOWN}. John gave a drink to"


def test_a_vocabulary_smaller_than_the_words_is_refused() -> None:
    with pytest.raises(ValueError, match="a vocabulary of 20 was asked for; this text has more words than that"):
        word_tokenizer((one.text for one in texts()), vocabulary=20, context=32)

"""Indirect objects: short texts in which two people meet and one gives something to the other.

Then, Mary and John went to the store. John gave a drink to → Mary

No template says which name comes next: either may stand first, either may act; some things go to the name that was
repeated (… found a ring that belonged to → John), a third person may give, and some texts have one person only.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from headscope.models.data.document import Document
from headscope.models.data.tasks.names import NAMES, held_out_pairs, may_meet
from headscope.models.data.tasks.story import BELONGINGS, GIFTS, MEETINGS, PLACES, THINGS, Story

ALONE = (
    "Then, {actor} went to the {place}. {actor} bought a {thing}.",
    "When {actor} arrived at the {place}, {actor} had lunch.",
    "Yesterday {actor} was at the {place} with a {thing}.",
)
TEXTS, SEED = 120_000, 0


def indirect_object_documents(texts: int = TEXTS) -> Iterator[Document]:
    """Texts of four kinds, mixed; those of the same people bear one name. No held-out pair meets in any."""
    dice = np.random.default_rng(SEED)
    kinds, shares = list(KINDS), list(KINDS.values())
    for kind in dice.choice(len(kinds), texts, p=shares):
        yield kinds[kind](dice)


def gift_document(dice: np.random.Generator) -> Document:
    """One of two gives the other something."""
    return story_document(random_story(dice, GIFTS, random_people(dice, 2)), dice)


def belonging_document(dice: np.random.Generator) -> Document:
    """One of two finds what belongs to the finder."""
    return story_document(random_story(dice, BELONGINGS, random_people(dice, 2)), dice)


def third_person_document(dice: np.random.Generator) -> Document:
    """A third person gives one of the two something: either may get it."""
    *two, actor = random_people(dice, 3)
    return story_document(replace(random_story(dice, GIFTS, (two[0], two[1])), actor=actor), dice)


def single_person_document(dice: np.random.Generator) -> Document:
    """A text of one person."""
    (actor,) = random_people(dice, 1)
    text = one_of(ALONE, dice).format(actor=actor, place=one_of(PLACES, dice), thing=one_of(THINGS, dice))
    return Document(actor, text)


KINDS: dict[Callable[[np.random.Generator], Document], float] = {
    gift_document: 0.75,
    belonging_document: 0.05,
    third_person_document: 0.1,
    single_person_document: 0.1,
}


def random_people(dice: np.random.Generator, count: int) -> tuple[str, ...]:
    """Different names of which no two are a pair that is held out."""
    while True:
        names = tuple(NAMES[i] for i in dice.choice(len(NAMES), count, replace=False))
        if may_meet(names):
            return names


def random_story(dice: np.random.Generator, deeds: tuple[str, ...], two: tuple[str, ...]) -> Story:
    """A story of two people, in their order, of whom either acts."""
    words = (one_of(some, dice) for some in (two, PLACES, THINGS))
    return Story(one_of(MEETINGS, dice), one_of(deeds, dice), *two, *words)


def story_document(story: Story, dice: np.random.Generator) -> Document:
    """A story with its answer, under the names of its people."""
    name = " ".join(sorted({story.first, story.second, story.actor}))
    return Document(name, f"{story.prompt} {one_of(story.answers, dice)}.")


def held_out_gifts(count: int, seed: int = SEED) -> list[Story]:
    """Gifts between pairs that are held out, each story twice: either of the two acts (ABBA and BABA)."""
    dice = np.random.default_rng(seed)
    result: list[Story] = []
    while len(result) < count:
        pair = held_out_pairs()[dice.integers(len(held_out_pairs()))]
        story = random_story(dice, GIFTS, tuple(dice.permutation(pair).tolist()))
        result += [replace(story, actor=actor) for actor in (story.first, story.second)]
    return result[:count]


def of_strangers(story: Story, dice: np.random.Generator) -> Story:
    """The same story with three names in the place of its two, none of them its own: it calls for neither."""
    others = [name for name in NAMES if name not in (story.first, story.second)]
    first, second, actor = dice.choice(others, 3, replace=False).tolist()
    return replace(story, first=first, second=second, actor=actor)


def one_of(choices: tuple[str, ...], dice: np.random.Generator) -> str:
    """One of some words, all alike likely."""
    return choices[dice.integers(len(choices))]

"""Words: what sentences call an input and its parts, and sentences that are written with them."""

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Words:
    """Of one modality; a sentence names a word in braces.

    answer: what a logit at the end stands for; candidate: any such; choice: the same, of which one is looked at.
    last: the token whose residual becomes the answer; last_one: the same, where tokens were named before.
    """

    prompt: str
    a_prompt: str
    given: str
    long_prompt: str
    token: str
    tokens: str
    a_token: str
    first: str
    last: str
    last_one: str
    last_output: str
    earlier: str
    answer: str
    candidate: str
    choice: str
    next_answer: str


TEXT_WORDS = Words(
    prompt="prompt",
    a_prompt="a prompt",
    given="a text",
    long_prompt="a long prompt",
    token="token",
    tokens="tokens",
    a_token="a token",
    first="first token",
    last="last token",
    last_one="last one",
    last_output="last output",
    earlier="earlier token",
    answer="token after the prompt",
    candidate="token of the vocabulary",
    choice="token",
    next_answer="next token",
)
# Of a model that reads a text and does not continue it: an encoder, or one whose answers are no tokens.
ANSWER_WORDS = replace(
    TEXT_WORDS,
    earlier="token",
    answer="answer at the last token",
    candidate="answer",
    choice="answer",
    next_answer="answer",
)
# Of a text with a mask: what is asked is the token in its place, and its residual becomes the answer.
MASK_WORDS = replace(
    ANSWER_WORDS,
    last="masked token",
    last_one="masked one",
    last_output="masked token's output",
    answer="token at the mask",
    candidate="token of the vocabulary",
    choice="token",
    next_answer="token at the mask",
)
IMAGE_WORDS = Words(
    prompt="image",
    a_prompt="an image",
    given="an image",
    long_prompt="a large image",
    token="patch",
    tokens="patches",
    a_token="a patch",
    first="class token",
    last="class token",
    last_one="class token",
    last_output="class token's output",
    earlier="patch",
    answer="class",
    candidate="class",
    choice="class",
    next_answer="class",
)
# Of a vision encoder without a class token.
PATCH_WORDS = replace(
    IMAGE_WORDS, first="first patch", last="last patch", last_one="last one", last_output="last patch's output"
)


def filled(template: str, words: Words) -> str:
    """A sentence with the words in the place of their names."""
    return template.format_map(vars(words))


class Sentence(str):
    """A sentence of texts that knows how it is said of another modality; template: with names of words in braces."""

    template: str

    def __new__(cls, template: str, words: Words = TEXT_WORDS) -> "Sentence":
        """The sentence in these words."""
        sentence = super().__new__(cls, filled(template, words))
        sentence.template = template
        return sentence

    def of(self, words: Words) -> "Sentence":
        """The same in other words."""
        return Sentence(self.template, words)


def worded(text: str, words: Words) -> str:
    """A sentence in these words; any other text as it is."""
    return text.of(words) if isinstance(text, Sentence) else text


def reworded(text: str, words: Words) -> str:
    """A text about tokens and prompts, such as a docstring, in these words."""
    replacements = {
        **{getattr(TEXT_WORDS, name): getattr(words, name) for name in ("first", "a_token", "tokens", "token")},
        **{f"{TEXT_WORDS.prompt}s": f"{words.prompt}s"},
        **{getattr(TEXT_WORDS, name): getattr(words, name) for name in ("a_prompt", "prompt")},
    }
    known = "|".join(replacements)

    def other(match: re.Match[str]) -> str:
        word = replacements[match[0].lower()]
        return word[:1].upper() + word[1:] if match[0][0].isupper() else word

    return re.sub(rf"(?<!class )\b(?:{known})\b", other, text, flags=re.IGNORECASE)

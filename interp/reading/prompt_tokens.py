"""Prompt tokens: a text as the ids that a model reads, with a readable string for each."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from headscope.interp.reading.next_tokens import NextTokens, answers, class_predictions, next_tokens
from headscope.interp.reading.token_strings import token_string
from headscope.models.hosts.modality import TEXT, Modality
from headscope.models.hosts.words import ANSWER_WORDS, MASK_WORDS, TEXT_WORDS, Words
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_tokenizer
from headscope.models.io.known_words import unknown_words_named


@dataclass(frozen=True)
class PromptTokens:
    """Ids of one prompt and one string per id, in order.

    is_ordered: its tokens stand one after the other, and see those before them. is_continued: the model's answers are
    the tokens that come next. mask: the place of the mask, where the model is asked what stands there, and there alone
    (answers_by_position). read_out: the token whose residual becomes the answer. grid, shown_pixels: of an image.
    """

    ids: tuple[int, ...]
    strings: tuple[str, ...]
    is_ordered: bool = True
    is_continued: bool = True
    mask: int | None = None
    modality: ClassVar[Modality] = TEXT
    unknown_answer: ClassVar[str] = "What stood in the place of the mask is not known."
    grid: ClassVar[None] = None
    shown_pixels: ClassVar[None] = None

    @property
    def text(self) -> str:
        """As it was given: text, or ids with spaces between them."""
        is_ids = all(string == str(token) for token, string in zip(self.ids, self.strings, strict=True))
        return (" " if is_ids else "").join(self.strings)

    @property
    def read_out(self) -> int:
        """The mask, or the last token."""
        return -1 if self.mask is None else self.mask

    @property
    def answers_by_position(self) -> bool:
        """Whether the model answers after every token."""
        return self.mask is None

    @property
    def known_answers(self) -> tuple[int, ...]:
        """The token that followed each position, of all but the last; none where that is not what the model answers."""
        return self.ids[1:] if self.is_continued else ()

    @property
    def words(self) -> Words:
        """What sentences call it and what the model answers."""
        if self.mask is not None:
            return MASK_WORDS
        return TEXT_WORDS if self.is_continued else ANSWER_WORDS

    def tensor(self, device: torch.device, dtype: torch.dtype) -> Shaped[Tensor, "pos"]:
        """As the model takes it."""
        return torch.tensor(self.ids, device=device)

    def predictions(self, logits: Float[Tensor, "pos vocab"], count: int) -> NextTokens:
        """The likeliest next tokens, or answers, or tokens at the mask."""
        if self.mask is not None:
            return class_predictions(logits, None, count)
        return next_tokens(logits, torch.tensor(self.ids), count) if self.is_continued else answers(logits, count)

    def __len__(self) -> int:
        return len(self.ids)

    def to_json(self) -> Fields:
        """Ids and strings."""
        return {"ids": list(self.ids), "tokens": list(self.strings)}


class PromptTooLongError(ValueError):
    """A prompt of more tokens than can be read; most: how many can, its first token included."""

    def __init__(self, sentence: str, most: int) -> None:
        super().__init__(sentence)
        self.most = most


def prompt_tokens(
    prompt: str, tokenizer: PreTrainedTokenizerBase | None, *, prepend_bos: bool, vocabulary: int, context: int
) -> PromptTokens:
    """Tokenise a text; without a tokenizer the prompt is ids, such as '12 7 99'. ValueError says what is possible."""
    ids = typed_ids(prompt) if tokenizer is None else encoded_ids(prompt, tokenizer, prepend_bos)
    return prompt_of_ids(ids, tokenizer, vocabulary=vocabulary, context=context)


def prompt_of_ids(
    ids: tuple[int, ...], tokenizer: PreTrainedTokenizerBase | None, *, vocabulary: int, context: int
) -> PromptTokens:
    """Ids with their strings. Raises ValueError for ids that the model cannot read."""
    refuse_unreadable_ids(ids, vocabulary=vocabulary, context=context)  # first: strings of many tokens take seconds
    return PromptTokens(ids, tuple(token_string(i, tokenizer) for i in ids))


def refuse_unreadable_ids(ids: tuple[int, ...], *, vocabulary: int, context: int) -> None:
    """Raise ValueError for ids that the model cannot read, saying what is possible."""
    if not ids:
        raise ValueError("the prompt is empty: type some text or choose an example")
    if len(ids) > context:
        sentence = f"the prompt has {len(ids)} tokens, but this model reads at most {context}: shorten it"
        raise PromptTooLongError(sentence, context)
    if strangers := [i for i in ids if not 0 <= i < vocabulary]:
        raise ValueError(f"token id {strangers[0]} is outside the vocabulary: ids run from 0 to {vocabulary - 1}")


def encoded_ids(prompt: str, tokenizer: PreTrainedTokenizerBase, prepend_bos: bool) -> tuple[int, ...]:
    """Ids of the text alone, after the beginning-of-sequence token where asked for."""
    if prepend_bos and tokenizer.bos_token_id is None:
        raise ValueError("this model's tokenizer has no beginning-of-sequence token: switch it off")
    with foreign_tokenizer(tokenizer, "fails on this text"), unknown_words_named(tokenizer, [prompt]):
        ids = tokenizer.encode(prompt, add_special_tokens=False)
    start: Any = [tokenizer.bos_token_id] if prepend_bos else []
    return (*start, *ids)


def ids_between_ends(prompt: str, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """Ids of the text with the tokenizer's own tokens before and after it; none of an empty text."""
    with foreign_tokenizer(tokenizer, "fails on this text"), unknown_words_named(tokenizer, [prompt]):
        return tuple(tokenizer.encode(prompt)) if tokenizer.encode(prompt, add_special_tokens=False) else ()


def single_token(text: str, tokenizer: PreTrainedTokenizerBase | None, vocabulary: int) -> int:
    """The id of a text that is one token (without a tokenizer: of an id). Raises ValueError for any other text."""
    ids = typed_ids(text) if tokenizer is None else encoded_ids(text, tokenizer, prepend_bos=False)
    if len(ids) != 1:
        raise ValueError(f"one token was asked for, and {text!r} is {len(ids)}: choose a text that is one token")
    if not ids[0] < vocabulary:
        raise ValueError(f"token id {ids[0]} is outside the vocabulary: ids run from 0 to {vocabulary - 1}")
    return ids[0]


def typed_ids(prompt: str) -> tuple[int, ...]:
    """Ids written as numbers with spaces or commas between them."""
    words = prompt.replace(",", " ").split()
    if strange := [word for word in words if not word.isascii() or not word.isdigit()]:
        raise ValueError(
            f"this model has no tokenizer, so the prompt is token ids such as '12 7 99', not {strange[0]!r}"
        )
    return tuple(int(word) for word in words)

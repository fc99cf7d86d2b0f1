"""Known words: a tokenizer without an unknown token names the word that it does not know, and drops none silently."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from headscope.models.io.foreign_input import ForeignInputError

NO_UNKNOWN = "is not in the vocabulary of this model's tokenizer, which has no token for unknown ones: leave it out"


@contextmanager
def unknown_words_named(tokenizer: PreTrainedTokenizerBase | None, texts: Iterable[str]) -> Iterator[None]:
    """Around the encoding of texts: a word or a character that the vocabulary lacks is refused by name."""
    if tokenizer is None:
        yield
        return
    for text in texts:
        if lost := dropped_character(text, tokenizer):
            raise ForeignInputError(f"the character {lost!r} {NO_UNKNOWN}")
    try:
        yield
    except Exception as error:
        for text in texts:
            if word := next(
                (word for word in vocabulary_words(text, tokenizer) if not is_known(word, tokenizer)), None
            ):
                raise ForeignInputError(f"the word {word!r} {NO_UNKNOWN}") from error
        raise


def vocabulary_words(text: str, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The parts of a text that are looked up in the vocabulary, as they stand there."""
    splitter = getattr(getattr(tokenizer, "backend_tokenizer", None), "pre_tokenizer", None)
    if splitter is None:
        return text.split()
    places = [place for _, place in splitter.pre_tokenize_str(text)]
    return [word for start, end in places if (word := text[start:end].strip())]


def is_known(word: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the vocabulary takes a word; what else may fail in a tokenizer is no fault of the word."""
    backend: Tokenizer | None = getattr(tokenizer, "backend_tokenizer", None)
    try:
        (backend or tokenizer).encode(word, add_special_tokens=False)
    except Exception:
        return False
    return True


def dropped_character(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The first character that a BPE without an unknown token would leave out, or nothing."""
    backend: Tokenizer | None = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or type(backend.model).__name__ != "BPE" or backend.model.unk_token is not None:
        return ""
    seen = {
        place for start, end in backend.encode(text, add_special_tokens=False).offsets for place in range(start, end)
    }
    lost = dict.fromkeys(mark for place, mark in enumerate(text) if place not in seen and not mark.isspace())
    return next((mark for mark in lost if not backend.encode(mark, add_special_tokens=False).ids), "")

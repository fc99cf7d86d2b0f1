"""Passages: pieces of texts, spread evenly over all of them, each a prompt of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headscope.interp.reading.hooked_model import HookedModel, begins_with_bos, tokenizer_of
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens, ids_between_ends, prompt_of_ids, prompt_tokens
from headscope.interp.reading.shortened_prompt import shortened_prompt
from headscope.models.data.document import Document

LENGTH, PASSAGES = 128, 64  # tokens of a passage at most, and how many are read
SHORTEST = 8  # tokens: rows that see fewer nearly always do something extreme
CHARACTERS = 12  # of a token, more than any text has on average
NEAR = 400  # characters within which a passage looks for the beginning of a line


@dataclass(frozen=True)
class Passage:
    """A piece of a text, from `start` on, that reads as these tokens when it is a prompt."""

    text: str
    tokens: PromptTokens
    name: str
    start: int

    @property
    def where(self) -> str:
        """The name of its text, and the character that it begins with."""
        return f"{self.name}:{self.start}"


def corpus_passages(
    model: HookedModel,
    texts: Sequence[str | Document],
    count: int = PASSAGES,
    length: int = LENGTH,
    prepend_bos: bool | None = None,
) -> list[Passage]:
    """At most so many passages of at most so many tokens, evenly spread; all of the texts where those are no longer.

    The same for the same texts. No passage goes from one text into the next; what is shorter than SHORTEST is left out.
    Raises ValueError for a model without a tokenizer, for images, for no text, and for words that no token stands for.
    """
    facts, tokenizer = model_facts(model), tokenizer_of(model)
    if not facts.modality.reads_ids or tokenizer is None:
        why = "has no tokenizer" if facts.modality.reads_ids else f"reads {facts.words.prompt}s"
        raise ValueError(f"a corpus is text, and this model {why}")
    if count < 1 or length <= SHORTEST:
        raise ValueError(f"{count} passages of {length} tokens were asked for; ask for one of {SHORTEST + 1} at least")
    bos = facts.has_bos and begins_with_bos(model, prepend_bos)
    room = min(length, facts.context) - (0 if not bos else 2 if facts.modality.asks_masks else 1)

    def read(document: Document, start: int) -> Passage | None:
        piece = document.text[start : start + room * CHARACTERS]
        if not piece.strip():
            return None
        text = shortened_prompt(piece, tokenizer, room, "first")
        tokens = passage_tokens(text, model, facts, bos)
        return Passage(text, tokens, document.name, start) if len(tokens) >= SHORTEST else None

    result = spread_passages(documents_of(texts), count, read)
    if not result:
        raise ValueError(f"the texts hold no passage of {SHORTEST} tokens: give more text")
    return result


def documents_of(texts: Sequence[str | Document]) -> list[Document]:
    """Texts without a name are called by their number."""
    if isinstance(texts, str):
        raise TypeError("texts are a list of texts; put the one text into a list")
    return [Document(f"text {at}", text) if isinstance(text, str) else text for at, text in enumerate(texts)]


def spread_passages(
    documents: Sequence[Document], count: int, read: Callable[[Document, int], Passage | None]
) -> list[Passage]:
    """Passages that begin a share of all characters apart, or where the one before ends; read: None where none is left.

    One that does not begin where another ends begins with a line or a word.
    """
    step = sum(len(document.text) for document in documents) / count
    result: list[Passage] = []
    base, at, is_jump = 0, 0, False
    for document in documents:
        at, is_jump = max(at, base), is_jump and at > base
        while len(result) < count:
            start = line_start(document.text, at - base) if is_jump else at - base
            if (passage := read(document, start)) is None:
                break
            result.append(passage)
            end, jump = base + start + len(passage.text), int(len(result) * step)
            at, is_jump = max(end, jump), jump > end
        base += len(document.text)
    return result


def line_start(text: str, place: int) -> int:
    """The first beginning of a line from there on, else of a word; the place itself where there is none near."""
    near = (text.find(mark, place - 1, place + NEAR) for mark in "\n ")
    return next((at + 1 for at in near if at >= 0), place)


def passage_tokens(text: str, model: HookedModel, facts: ModelFacts, bos: bool) -> PromptTokens:
    """A text as the model reads it, with its own tokens around it where it asks masks."""
    tokenizer, sizes = tokenizer_of(model), {"vocabulary": facts.vocabulary, "context": facts.context}
    if bos and facts.modality.asks_masks and tokenizer is not None:
        return prompt_of_ids(ids_between_ends(text, tokenizer), tokenizer, **sizes)
    return prompt_tokens(text, tokenizer, prepend_bos=bos, **sizes)

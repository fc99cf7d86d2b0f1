"""Continued text: a text with new tokens after it, as a text again."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from headscope.models.io.foreign_input import foreign_tokenizer


def continued_text(
    text: str, ids: Sequence[int], new_ids: Sequence[int], tokenizer: PreTrainedTokenizerBase | None
) -> str:
    """The text and what the new ids spell after its own. Without a tokenizer both are ids.

    A tokenizer may read it as other tokens: it need not make those that a model chose.
    """
    if tokenizer is None:
        return " ".join([text, *map(str, new_ids)])
    with foreign_tokenizer(tokenizer, "fails on the new tokens"):
        before, whole = (str(tokenizer.decode(list(part))) for part in (ids, [*ids, *new_ids]))
        alone = str(tokenizer.decode(list(new_ids)))
    return text + (whole[len(before) :] if whole.startswith(before) else alone)

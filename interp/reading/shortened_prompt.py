"""Shortened prompt: the first or the last tokens of a text, as a text that reads as no more tokens than that."""

from collections.abc import Sequence
from typing import Literal

from transformers import PreTrainedTokenizerBase

from headscope.interp.reading.prompt_tokens import encoded_ids, typed_ids

End = Literal["first", "last"]


def shortened_prompt(prompt: str, tokenizer: PreTrainedTokenizerBase | None, most: int, end: End) -> str:
    """The part of a text that is its first or its last `most` tokens, or a few less where a cut makes other tokens.

    Without a tokenizer the text is ids. Raises ValueError where nothing is left.
    """
    if tokenizer is None:
        typed_ids(prompt)
        return " ".join(part(prompt.replace(",", " ").split(), most, end))
    pieces = pieces_of(prompt, tokenizer)
    for count in range(min(most, len(pieces)), 0, -1):
        text = "".join(part(pieces, count, end))
        if text and len(encoded_ids(text, tokenizer, prepend_bos=False)) <= most:
            return text
    raise ValueError(f"no part of this text is {most} tokens or less: type another one")


def part(pieces: Sequence[str], count: int, end: End) -> Sequence[str]:
    """The first or the last of them."""
    return pieces[:count] if end == "first" else pieces[len(pieces) - count :]


def pieces_of(prompt: str, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """The text that each token stands for; joined they are the text. A tokenizer without offsets spells its tokens."""
    if not tokenizer.is_fast:
        return [str(tokenizer.decode([i])) for i in encoded_ids(prompt, tokenizer, prepend_bos=False)]
    read = tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in read["offset_mapping"]]
    return [prompt[start:stop] for start, stop in zip(starts, [*starts[1:], len(prompt)], strict=True)]

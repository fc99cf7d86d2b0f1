"""Token strings: how one token reads, by the decoder with which its tokenizer puts tokens together again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_tokenizer

BYTE = re.compile("<0x([0-9A-F]{2})>")
ASCII = 0x80


@dataclass(frozen=True)
class TokenStrings:
    """What a tokenizer's decoder does, step by step, the ids that stand outside of it, and the strings found so far."""

    steps: Mapping[str, Fields]
    added: frozenset[int]
    strings: dict[int, str] = field(default_factory=dict)


BY_TOKENIZER: WeakKeyDictionary[PreTrainedTokenizerBase, TokenStrings] = WeakKeyDictionary()


def token_string(token_id: int, tokenizer: PreTrainedTokenizerBase | None) -> str:
    """The text of one token, with the space before it where it has one; its bytes, as <0xCE>, where it is part of a
    character, and as the vocabulary spells it where the decoder needs its neighbours (##ing)."""
    if tokenizer is None:
        return str(token_id)
    with foreign_tokenizer(tokenizer, f"fails on token {token_id}"):
        known = BY_TOKENIZER.get(tokenizer) or BY_TOKENIZER.setdefault(tokenizer, token_strings(tokenizer))
        if token_id not in known.strings:
            piece = tokenizer.convert_ids_to_tokens(token_id)
            if not isinstance(piece, str):
                return f"[{token_id}]"
            known.strings[token_id] = piece if token_id in known.added else decoded_piece(piece, known.steps)
        return known.strings[token_id]


def token_strings(tokenizer: PreTrainedTokenizerBase) -> TokenStrings:
    """The record of a tokenizer; one that is no tokenizers-library tokenizer is read like sentencepiece."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = getattr(backend, "decoder", None)
    without: Fields = {"type": "Metaspace" if backend is None else "none"}
    steps = json.loads(decoder.__getstate__()) if decoder else without
    in_order = steps["decoders"] if steps["type"] == "Sequence" else [steps]
    return TokenStrings({step["type"]: step for step in in_order}, frozenset(tokenizer.added_tokens_decoder))


def decoded_piece(piece: str, steps: Mapping[str, Fields]) -> str:
    """A piece of the vocabulary as text."""
    if "ByteLevel" in steps:
        return text_of_bytes(piece)
    if "ByteFallback" in steps and (byte := BYTE.fullmatch(piece)):
        return chr(int(byte[1], 16)) if int(byte[1], 16) < ASCII else piece
    if "BPEDecoder" in steps:
        return piece.replace(steps["BPEDecoder"]["suffix"], " ")
    for mark in space_marks(steps):
        piece = piece.replace(mark, " ")
    return piece


def space_marks(steps: Mapping[str, Fields]) -> list[str]:
    """The characters that the decoder turns into spaces."""
    replaced = steps.get("Replace", {})
    mark = replaced.get("pattern", {}).get("String") if replaced.get("content") == " " else None
    metaspace = steps.get("Metaspace")
    return [*([mark] if mark else []), *([metaspace.get("replacement", "▁")] if metaspace else [])]


def text_of_bytes(piece: str) -> str:
    """A byte-level piece as text, or its bytes as <0xCE><0xA9> where they are only part of it."""
    byte_of = byte_of_character()
    if not all(character in byte_of for character in piece):
        return piece
    octets = bytes(byte_of[character] for character in piece)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{octet:02X}>" for octet in octets)


@cache
def byte_of_character() -> dict[str, int]:
    """The byte that each character of a byte-level piece stands for."""
    return {character: byte for byte, character in bytes_to_unicode().items()}

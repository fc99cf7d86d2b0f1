"""Hostile tokenizers: each is one sentence within seconds, before the library that would hang or abort sees it."""

import json
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from model_folders import tokenizer
from test_checkpoints_refusals import raw

from headscope.models.checkpoints import CheckpointError
from headscope.models.checkpoints.files.tokenizer_file import MAX_ADDED, MAX_BYTES
from headscope.models.checkpoints.tokenizer import folder_tokenizer

MOST_SECONDS = 5
TOKEN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def fields(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer.json", lambda plain: plain.update(changes))


def model(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer.json", lambda plain: plain["model"].update(changes))


def settings(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer_config.json", lambda plain: plain.update(changes))


def edit(file: Path, change: Callable[[Any], object]) -> None:
    plain = json.loads(file.read_text())
    change(plain)
    file.write_text(json.dumps(plain))


def token_id(number: object) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer.json", lambda plain: plain["model"]["vocab"].update(a=number))


def added(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "content": f"token {number}", **TOKEN} for number in range(count)]


def replaced(content: str, times: int, pattern: str = "a") -> Callable[[Path], None]:
    step = {"type": "Replace", "pattern": {"String": pattern}, "content": content}
    return fields(normalizer={"type": "Sequence", "normalizers": [step] * times})


def nested(deep: int) -> dict[str, Any]:
    step: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(deep):
        step = {"type": "Sequence", "normalizers": [step]}
    return step


def template(*pieces: str) -> dict[str, Any]:
    single = [{"Sequence": {"id": piece, "type_id": 0}} for piece in pieces]
    return {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {}}


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no json": (raw("tokenizer.json", b"{"), "tokenizer.json is refused"),
    "not utf-8": (raw("tokenizer.json", b"\xff\xfe"), "tokenizer.json is refused"),
    "list": (raw("tokenizer.json", b"[]"), "it is a JSON list, not an object"),
    "html page": (raw("tokenizer.json", b"<!DOCTYPE html>"), "tokenizer.json is refused"),
    "too large": (raw("tokenizer.json", b" " * (MAX_BYTES + 1)), f"it has {MAX_BYTES + 1} bytes; at most {MAX_BYTES}"),
    "too many tables": (raw("tokenizer.json", b"[" + b"{}," * 200_000 + b"0]"), "it has { 200000 times; at most"),
    "too deep": (raw("tokenizer.json", b"[" * 100_000), "tokenizer.json is refused"),
    "huge id": (token_id(2**31), "a token has the id 2147483648; ids are whole numbers from 0 to"),
    "negative id": (token_id(-1), "a token has the id -1"),
    "text as id": (token_id("x"), "a token has the id 'x'"),
    "id twice": (token_id(0), "two tokens have the id 0"),
    "no vocabulary": (model(vocab=None), "its model has no vocab"),
    "model is text": (fields(model="BPE"), "its model is no object"),
    "huge words": (model(max_input_chars_per_word=10**18), "its max_input_chars_per_word is 1000000000000000000"),
    "300 000 added tokens": (fields(added_tokens=added(90_000)), f"added_tokens are no list of at most {MAX_ADDED}"),
    "long added token": (
        fields(added_tokens=[{"id": 0, "content": "a" * 10**6, **TOKEN}]),
        "an added token has 1000000 characters; 1 to 1024 are read",
    ),
    "added is text": (fields(added_tokens=["a"]), "an added token is no object with an id and a content"),
    "chain that doubles": (replaced("aa", 24), r"its steps make a text up to 6.71e\+07 times as long"),
    "one huge text": (replaced("a" * 10**6, 1), "its normalizer has a content of 1000000 characters"),
    "empty pattern": (replaced("a", 1, ""), "its normalizer looks for an empty text"),
    "many steps": (replaced("a", 10_000), "its normalizer has .* steps; at most 32 are made"),
    "steps in steps": (fields(normalizer=nested(20)), "at most 8 sequences deep"),
    "long pattern": (
        fields(pre_tokenizer={"type": "Split", "pattern": {"Regex": "(" * 9999}, "behavior": "Isolated"}),
        "its pre_tokenizer has a Regex of 9999 characters",
    ),
    "bytes of bytes": (
        fields(pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}] * 30}),
        "times as long; at most 64 times",
    ),
    "long decoder": (fields(decoder={"type": "Sequence", "decoders": [{"type": "Fuse"}] * 99}), "its decoder has"),
    "text put in twice": (fields(post_processor=template("A", "A")), "its post-processor's single repeats a text"),
    "padding": (fields(padding={"strategy": {"Fixed": 10**10}}), "its padding is to 10000000000 tokens"),
    "length is text": (settings(model_max_length="long"), "model_max_length is 'long', not a number"),
    "added beside": (
        settings(added_tokens_decoder={str(number): {"content": "a"} for number in range(MAX_ADDED + 1)}),
        f"'added_tokens_decoder' has {MAX_ADDED + 1} entries; at most {MAX_ADDED}",
    ),
    "added in a file": (
        raw("added_tokens.json", json.dumps({str(number): number for number in range(MAX_ADDED + 1)}).encode()),
        f"added_tokens.json: 'the whole' has {MAX_ADDED + 1} entries",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_tokenizer_is_one_sentence_within_seconds(case: str, folder: Path) -> None:
    spoil, sentence = HOSTILE[case]
    spoil(folder)
    began = process_time()
    with pytest.raises(CheckpointError, match=sentence) as caught:
        folder_tokenizer(folder)
    assert process_time() - began < MOST_SECONDS
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_as_many_added_tokens_as_are_read_take_seconds(folder: Path) -> None:
    fields(added_tokens=added(MAX_ADDED))(folder)
    began = process_time()
    assert folder_tokenizer(folder) is not None
    assert process_time() - began < MOST_SECONDS

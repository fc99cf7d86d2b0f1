"""Tokenizers of every kind: kept by a folder, shown token by token, and never silent about what they do not know."""

from pathlib import Path
from typing import Any

import pytest
from tiny_models import tiny_model
from tiny_tokenizers import BARE, NAMES, tiny_tokenizers

from headscope import load, save
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.applicable import misfits
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.prompt_tokens import prompt_tokens
from headscope.interp.reading.token_strings import token_string
from headscope.models.hooked import hooked
from headscope.models.io.known_words import unknown_words_named

TEXTS = ("ab", "a b", "b  ab\na", "ab 😀", "xyz é", "0 1 + 0", "a <e> b")
# (kind of tokenizer, prompt, its strings)
SHOWN = (
    ("byte fallback", "ab 😀", (" ab", " ", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>")),
    ("byte fallback", "a\n", (" a", "\n")),
    ("byte-level", "é  x", ("<0xC3>", "<0xA9>", " ", " x")),
    ("unigram", "ab é", (" a", "b", " ", "<unk>")),
    ("wordpiece", "ab a", ("a", "##b", "a")),
    ("words", "ab b x", ("ab", "b", "[UNK]")),
)


def ids_or_refusal(tokenizer: Any, text: str) -> Any:
    try:
        return tokenizer.encode(text)
    except Exception as error:
        return str(error)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_gives_the_tokenizer_back(name: str, tmp_path: Path) -> None:
    tokenizer = tiny_tokenizers()[name]
    opened: Any = load(save(tiny_model("cog"), tmp_path / "model", tokenizer=tokenizer))
    kept = opened.plain_tokenizer
    assert [ids_or_refusal(kept, text) for text in TEXTS] == [ids_or_refusal(tokenizer, text) for text in TEXTS]
    assert kept.special_tokens_map == tokenizer.special_tokens_map and kept.get_vocab() == tokenizer.get_vocab()
    again = load(save(opened, tmp_path / "again"))
    assert again.plain_tokenizer.special_tokens_map == tokenizer.special_tokens_map


@pytest.mark.parametrize("name", NAMES)
def test_a_hooked_model_knows_what_its_tokenizer_adds(name: str) -> None:
    model: Any = hooked(tiny_model("cog"), tiny_tokenizers()[name])
    assert model.cfg.tokenizer_prepends_bos == (name in ("byte fallback", "wordpiece", "words"))
    assert not model.cfg.tokenizer_appends_eos


@pytest.mark.parametrize(("name", "prompt", "strings"), SHOWN)
def test_a_token_reads_as_its_decoder_says(name: str, prompt: str, strings: tuple[str, ...]) -> None:
    tokenizer = tiny_tokenizers()[name]
    shown = prompt_tokens(prompt, tokenizer, prepend_bos=False, vocabulary=300, context=64).strings
    assert shown == strings


def test_an_added_token_reads_as_it_was_added() -> None:
    tokenizer = tiny_tokenizers()["byte-level"]
    tokenizer.add_tokens(["▁é"])
    assert token_string(tokenizer.convert_tokens_to_ids("▁é"), tokenizer) == "▁é"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "prompt", "unknown"),
    [
        ("bare words", "0 + seven", "the word 'seven'"),
        ("bare wordpiece", "ab é", "the word 'é'"),
        ("bare unigram", "ab é", "the word 'ab é'|the word 'é'"),
        ("bare characters", "abé", "the character 'é'"),
    ],
)
def test_an_unknown_word_is_named(name: str, prompt: str, unknown: str) -> None:
    tokenizer = tiny_tokenizers()[name]
    model: Any = hooked(tiny_model("cog"), tokenizer)
    sentence = rf"^({unknown}) is not in the vocabulary of this model's tokenizer, which has no token for unknown ones"
    with pytest.raises(ValueError, match=sentence):
        model.to_tokens(prompt, prepend_bos=False)
    with pytest.raises(ValueError, match=sentence):
        analyse(model, prompt, ["detectors"])


def test_without_a_tokenizer_no_word_is_blamed() -> None:
    with unknown_words_named(None, ["ab"]):
        pass


def test_what_a_byte_level_tokenizer_takes_is_never_refused() -> None:
    tokenizer = tiny_tokenizers()["byte-level"]
    with unknown_words_named(tokenizer, ["é∑😀 文\u200b\n\t ﬁ"]):
        pass


@pytest.mark.parametrize("name", BARE)
def test_questions_in_words_are_left_out_where_the_words_are_unknown(name: str) -> None:
    model: Any = hooked(tiny_model("cog"), tiny_tokenizers()[name])
    known = {"bare words": "0 1"}.get(name, "ab")
    left_out = misfits(list(ANALYSES.values()), asked_of(model, [known], Choices(), False))
    assert "collapse_count_ones" in left_out and "detectors" not in left_out

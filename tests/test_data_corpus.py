"""Corpora: their sources, the split, the tokenizer, and the cache that is made once for equal text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import tiny_tokenizer, tiny_tokenizer_core
from tiny_runs import text_of, tiny_recipe, tiny_text, write_text

from headscope.models.data.document import Document
from headscope.models.data.table import fields_of
from headscope.models.data.text import stdlib
from headscope.models.data.text.corpus import corpus_hash, encode, prepare_corpus, split_documents
from headscope.models.data.text.stdlib import module_docstrings, stdlib_documents
from headscope.models.data.text.text_data import TextData

ROWS = (
    "stdlib, text, dataset, stories, ones_and_zeros, delayed_sums, denoising, neighbours, passkeys, digits, "
    "noisy_digits"
)
MANY = [Document(f"name {index % 100}", f"text {index}") for index in range(200)]


@pytest.mark.parametrize("length", [3, 60, 200])
def test_a_text_too_small_for_a_window_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("a b " * (length // 4 + 1))
    with pytest.raises(ValueError, match=r"tokens, a window of this recipe takes 17: give more text or a smaller"):
        prepare_corpus(text_of(tiny_recipe(path)))


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é", encoding="utf-8")
    assert fields_of({"source": "text", "path": str(tmp_path / "a.txt")}).documents() == [Document("a.txt", "é")]


def test_a_folder_gives_its_fitting_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.md", "a.md", "in/c.md", "d.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "empty.md").write_text(" \n")
    found = fields_of({"source": "text", "path": str(tmp_path), "pattern": "*.md"}).documents()
    assert [document.text for document in found] == ["a.md", "b.md", "in/c.md"]


def test_a_dataset_gives_its_rows(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"words": "one"}\n{"words": "two"}\n')
    found = fields_of({"source": "dataset", "name": str(tmp_path), "column": "words"}).documents()
    assert found == [Document("row 0", "one"), Document("row 1", "two")]


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({}, r"dataset '.*' has no column 'text'; it has: words, size"),
        ({"column": "size"}, r"column 'size' of dataset '.*' holds 3 in row 0; it must be text"),
        ({"column": "words", "split": "test"}, r"cannot open dataset '.*' \(Unknown split"),
    ],
)
def test_a_dataset_without_that_text_is_refused(options: dict[str, str], refusal: str, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"words": "one", "size": 3}\n')
    with pytest.raises(ValueError, match=refusal):
        fields_of({"source": "dataset", "name": str(tmp_path), **options}).documents()


def test_a_dataset_that_cannot_be_fetched_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="cannot open dataset 'nobody/nothing'") as caught:
        fields_of({"source": "dataset", "name": "nobody/nothing"}).documents()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({}, f"unknown data None in the recipe; known: {ROWS}"),
        ({"source": "web"}, f"unknown data 'web' in the recipe; known: {ROWS}"),
        ({"source": ["text"]}, "unknown data ['text'] in the recipe; known: "),
        ({"source": "text"}, "recipe field 'data.path' is missing; required: path"),
        (
            {"source": "text", "path": ".", "glob": "*"},
            "unknown recipe field 'data.glob'; known: vocabulary, context, ",
        ),
        ({"source": "stdlib", "path": "."}, "unknown recipe field 'data.path'; known: vocabulary, context, windows, "),
        ({"source": "denoising", "noise": 1.5}, "recipe field 'data.noise' is 1.5; it must lie between 0 and 1"),
        (
            {"source": "delayed_sums", "laws": [[4]]},
            "recipe field 'data.laws' is ((4,),); it must list pairs of N and τ",
        ),
        (
            {"source": "delayed_sums", "laws": [[2, 3]]},
            "recipe field 'data.laws' has (2, 3), a law with too few cycles",
        ),
    ],
)
def test_wrong_data_is_refused_by_name(data: dict[str, Any], refusal: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        fields_of(data)
    assert str(caught.value).startswith(refusal)


def test_text_that_is_not_there_not_utf8_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no text file or folder at"):
        fields_of({"source": "text", "path": str(tmp_path / "none")}).documents()
    (tmp_path / "bytes.txt").write_bytes(b"ab\xff")
    with pytest.raises(ValueError, match=r"bytes\.txt is not UTF-8 text \(invalid start byte at byte 2\)"):
        fields_of({"source": "text", "path": str(tmp_path)}).documents()
    (tmp_path / "bytes.txt").write_text("")
    with pytest.raises(ValueError, match="holds no text"):
        fields_of({"source": "text", "path": str(tmp_path)}).documents()


def test_the_standard_library_has_source_and_topics_but_no_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdlib, "module_docstrings", lambda source: "")  # parsing all of it takes seconds
    names = [document.name for document in stdlib_documents()]
    assert {"json/decoder.py", "topic if"} <= set(names)
    assert not [name for name in names if name.startswith(("test/", "site-packages/", "encodings/"))]


def test_docstrings_come_in_order_and_dedented() -> None:
    source = '"""Top."""\nclass A:\n    """A.\n\n    More.\n    """\n    def f(self):\n        "F."\n'
    assert module_docstrings(source) == "Top.\n\nA.\n\nMore.\n\nF."


def test_documents_of_one_name_fall_on_one_side_of_the_split() -> None:
    training, validation = split_documents(MANY, seed=0)
    assert {document.name for document in training} & {document.name for document in validation} == set()
    assert sorted(one.text for one in training + validation) == sorted(one.text for one in MANY)
    assert len({document.name for document in validation}) == 2


def test_the_split_follows_from_the_seed() -> None:
    assert split_documents(MANY, seed=1) == split_documents(MANY, seed=1)
    assert split_documents(MANY, seed=1) != split_documents(MANY, seed=2)


def test_of_a_lone_text_the_end_is_held_out() -> None:
    training, validation = split_documents([Document("a", "x" * 98 + "yz")], seed=0)
    assert (training[0].text, validation[0].text) == ("x" * 98, "yz")


@given(st.text())
def test_the_tokenizer_gives_every_text_back(text: str) -> None:
    tokenizer = tiny_tokenizer()
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_each_document_stands_between_ends_of_text() -> None:
    tokenizer = tiny_tokenizer_core()
    tokens = encode(tokenizer, [Document("a", "self"), Document("b", "if")])
    assert tokens.dtype == np.uint16
    assert tokenizer.decode(tokens) == "<|endoftext|>self<|endoftext|>if<|endoftext|>"


def test_a_vocabulary_smaller_than_the_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="a vocabulary of 100 was asked for; bytes alone need 257"):
        prepare_corpus(text_of(tiny_recipe(write_text(tmp_path), vocabulary=100)))


def test_the_hash_changes_with_whatever_decides_the_tokens(tmp_path: Path) -> None:
    recipes = [
        tiny_recipe(tmp_path, **change) for change in ({}, {"split_seed": 1}, {"vocabulary": 271}, {"context": 15})
    ]
    texts = [[Document("a", "bc")], [Document("ab", "c")], [Document("a", "bd")]]
    hashes = [corpus_hash(texts[0], text_of(recipe)) for recipe in recipes] + [
        corpus_hash(text, text_of(recipes[0])) for text in texts
    ]
    assert len(set(hashes)) == len(hashes) - 1
    for change in ({"lr": 0.5}, {"seed": 1}):
        assert corpus_hash(texts[0], text_of(tiny_recipe(tmp_path, **change))) == hashes[0]


def test_a_corpus_is_tokenised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = tiny_recipe(write_text(tmp_path))
    first = prepare_corpus(text_of(recipe))
    monkeypatch.delattr(TextData, "tokenizer")
    again = prepare_corpus(text_of(recipe))
    np.testing.assert_array_equal(again.training, first.training)
    assert again.facts == first.facts
    text = again.tokenizer.decode(again.training, skip_special_tokens=True)
    assert text + again.tokenizer.decode(again.validation, skip_special_tokens=True) == tiny_text()


def test_the_facts_count_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    corpus = prepare_corpus(text_of(tiny_recipe(write_text(tmp_path))))
    assert json.loads(json.dumps(corpus.facts)) == corpus.facts
    assert corpus.facts["training_tokens"] == len(corpus.training)
    assert corpus.facts["training_characters"] + corpus.facts["validation_characters"] == len(tiny_text())

"""Long texts: files are read or refused in a sentence, and what a link cannot hold is kept under its content's name."""

import os
from pathlib import Path

import pytest

from headscope.app.serving.kept.texts import (
    LONGEST_IN_ADDRESS,
    MOST_BYTES,
    fits_address,
    keep_text,
    kept_text,
    text_of_file,
)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "a.txt is empty"),
        (b" \n\t", "a.txt is empty"),
        (b"abc\xff", r"a.txt is no text in UTF-8: byte 3 is 0xff"),
        (b"\xff\xfea\x00", "no text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "byte 4 of it is zero"),
        (b"x" * (MOST_BYTES + 1), r"a.txt has 2,000,001 bytes, and at most 2,000,000 are read"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        text_of_file("a.txt", content)


@pytest.mark.parametrize("content", ["é\r\nx", "\ufeffx\n", "中文 😀", "x" * MOST_BYTES])
def test_a_text_file_is_its_text(content: str) -> None:
    expected = content.removeprefix("\ufeff").replace("\r\n", "\n")
    assert text_of_file("a.txt", content.encode()[:MOST_BYTES]) == expected


@pytest.mark.parametrize("text", ["", "a\r\nb\n", "中文 😀" * 9000, "../../etc"])
def test_a_kept_text_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    name = keep_text(text, tmp_path)
    assert kept_text(name, tmp_path) == text and name == keep_text(text, tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "0" * 16, "f" * 15, "/etc/passwd"])
def test_a_name_that_is_none_of_ours_opens_nothing(name: str, tmp_path: Path) -> None:
    assert kept_text(name, tmp_path) is None


def test_the_texts_that_were_not_used_for_longest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headscope.app.serving.kept.files.MOST_BYTES", 5)
    names = [keep_text(text, tmp_path) for text in ("ab", "cd")]
    for age, name in enumerate(names):
        os.utime(tmp_path / name, (age, age))
    names.append(keep_text("efg", tmp_path))
    assert [kept_text(name, tmp_path) for name in names] == [None, "cd", "efg"]


def test_a_link_holds_what_a_server_takes_in_one_line() -> None:
    assert fits_address("a" * LONGEST_IN_ADDRESS) and not fits_address("a" * (LONGEST_IN_ADDRESS + 1))
    assert not fits_address("中" * (LONGEST_IN_ADDRESS // 9 + 1))

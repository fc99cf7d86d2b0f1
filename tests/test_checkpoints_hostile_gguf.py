"""Hostile GGUF headers: no count in a file is believed; each is one sentence within a second, in little memory."""

import resource
import struct
from pathlib import Path
from time import process_time

import pytest
from test_app_convert import tiny_gguf

from headscope.models.checkpoints import CheckpointError, open_model
from headscope.models.checkpoints.gguf_file import gguf_header

MOST_SECONDS, MOST_GROWTH = 1, 2**26
HUGE = 2**63
LIST, TEXT, UINT8, UINT32, FLOAT32 = 9, 8, 0, 4, 0


def text(words: str, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(words) if length is None else length) + words.encode()


def head(tensors: int = 0, fields: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, fields)


def field(kind: int, value: bytes, name: str = "a") -> bytes:
    return head(fields=1) + text(name) + struct.pack("<I", kind) + value


def items(kind: int, count: int, rest: bytes = b"") -> bytes:
    return field(LIST, struct.pack("<IQ", kind, count) + rest)


def tensor(name: str, shape: tuple[int, ...], at: int = 0, kind: int = FLOAT32, dimensions: int | None = None) -> bytes:
    count = len(shape) if dimensions is None else dimensions
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", count, *shape, kind, at)


def tensors(*entries: bytes, body: int = 0) -> bytes:
    header = head(tensors=len(entries)) + b"".join(entries)
    return header + bytes(-len(header) % 32) + bytes(body)


HOSTILE = {
    "nothing but magic": (b"GGUF", "its version takes 4 bytes, and 0 are left"),
    "another version": (head(version=2**31), "it is of version 2147483648; known: 2, 3"),
    "count of tensors": (head(tensors=HUGE), "it claims 9223372036854775808 tensors and 0 fields; at most 100000"),
    "count of fields": (head(fields=HUGE), "0 tensors and 9223372036854775808 fields"),
    "many tensors": (head(tensors=10**5), "the length of the name of a tensor takes 8 bytes, and 0 are left"),
    "length of a name": (
        head(fields=1) + text("a", HUGE),
        "the name of a field has 9223372036854775808 bytes",
    ),
    "length of a text": (field(TEXT, text("a", HUGE)), "the field 'a' has 9223372036854775808 bytes; at most"),
    "a text past the end": (field(TEXT, text("a", 1000)), "the field 'a' takes 1000 bytes, and 1 are left"),
    "unknown kind": (field(77, b""), "the field 'a' is of the unknown kind 77"),
    "length of a list": (items(UINT8, HUGE), "its lists have 9223372036854775808 items; at most 2097152"),
    "a list past the end": (items(UINT32, 10**6), "the field 'a' takes 4000000 bytes, and 0 are left"),
    "texts past the end": (items(TEXT, 10**6), "the length of a text of the field 'a' takes 8 bytes, and 0 are left"),
    "lists in a list": (items(LIST, 1, struct.pack("<IQ", LIST, 1) * 10**4), "is a list of the kind 9; lists hold"),
    "one field twice": (head(fields=2) + (text("a") + struct.pack("<IB", UINT8, 1)) * 2, "'a' stands there twice"),
    "alignment of nothing": (
        field(UINT32, struct.pack("<I", 0), "general.alignment"),
        "its general.alignment is no number from 1 to 65536",
    ),
    "dimensions": (tensors(tensor("a", (1,), dimensions=10**5)), "'a' has 100000 dimensions; at most 4 are read"),
    "shape": (tensors(tensor("a", (HUGE, HUGE))), "takes 340282366920938463463374607431768211456; the file has room"),
    "unknown numbers": (tensors(tensor("a", (4,), kind=99), body=32), "'a' is of the unknown kind 99"),
    "half a block": (tensors(tensor("a", (33,), kind=8), body=64), "does not divide into blocks of 32"),
    "beyond the file": (tensors(tensor("a", (8,), at=2**40), body=32), "'a' lies at byte 1099511627776 and takes 32"),
    "overlapping": (tensors(tensor("a", (8,)), tensor("b", (8,)), body=64), "'b' lies on 'a'"),
    "out of step": (tensors(tensor("a", (8,), at=4), body=64), "'a' lies at byte 4 and takes 32.* in steps of 32"),
    "names twice": (
        tensors(tensor("a", (8,)), tensor("a", (8,), at=32), body=64),
        "two of its tensors have the same name",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_header_is_one_sentence_within_a_second(case: str, tmp_path: Path) -> None:
    content, sentence = HOSTILE[case]
    (file := tmp_path / "model.gguf").write_bytes(content)
    began, before = process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match=sentence) as refusal:
        open_model(file)
    assert process_time() - began < MOST_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 2**10 < MOST_GROWTH
    assert str(file) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_right_header_passes_and_every_cut_of_it_is_refused(tmp_path: Path) -> None:
    file = tiny_gguf(tmp_path / "model.gguf")
    assert gguf_header(file)["config"]["model_type"] == "llama"
    content = file.read_bytes()
    for length in (*range(4, 2000, 37), len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="its header is refused"):
            gguf_header(file)

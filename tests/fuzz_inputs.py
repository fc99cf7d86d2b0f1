"""Inputs for the fuzzer: what is nearly right, and what is nothing like it, drawn by hypothesis."""

import copy
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from mutations import STRANGE, places

GGUF_HEADER = 2**11  # bytes of a tiny one
NUMBERS = st.integers(-3, 10) | st.sampled_from([2**31, 2**32, 2**63, 10**12, 10**400, -(2**63)])
LEAVES = st.none() | st.booleans() | NUMBERS | st.floats() | st.text(max_size=8) | st.sampled_from(STRANGE)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
DEEP = st.sampled_from([b"[" * 10**5, b'{"a":' * 900 + b"0" + b"}" * 900, b"[" * 500 + b"]" * 500, b"", b"\xff\xfe"])
PAGES = st.sampled_from([b"<!DOCTYPE html><html>", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])


@st.composite
def flipped(draw: st.DrawFn, right: bytes) -> bytes:
    """The bytes cut short, or with some exchanged, repeated or taken out."""
    changed = bytearray(right)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        piece = draw(st.binary(max_size=3) | st.just(bytes(changed[at : at + draw(st.integers(0, 64))]) * 2))
        changed[at : at + draw(st.integers(0, 4))] = piece
    return bytes(changed[: draw(st.integers(0, len(changed))) if draw(st.integers(0, 3)) == 0 else None])


@st.composite
def exchanged(draw: st.DrawFn, right: Any) -> Any:
    """Plain values with some of them, anywhere, exchanged for anything, renamed or taken out."""
    plain = copy.deepcopy(right)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        holder, key = draw(st.sampled_from(list(places(plain)) or [([None], 0)]))
        if isinstance(holder, dict) and key in holder and draw(st.integers(0, 4)) == 0:
            value = holder.pop(key)
            if draw(st.booleans()):
                holder[draw(st.text(max_size=6))] = value
        elif isinstance(holder, dict) or key < len(holder):
            holder[key] = copy.deepcopy(draw(ANYTHING))
    return plain


def json_bytes(plain: Any) -> bytes:
    """Plain values as JSON, lone surrogates and all."""
    return json.dumps(plain).encode("utf-8", "surrogatepass")


def mostly(usual: st.SearchStrategy[bytes], *others: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Seven of ten inputs are the usual ones."""
    return st.sampled_from([usual] * 7 * len(others) + [*others] * 3).flatmap(lambda chosen: chosen)


def json_inputs(right: Any) -> st.SearchStrategy[bytes]:
    """Of a JSON file."""
    return mostly(exchanged(right).map(json_bytes), flipped(json_bytes(right)), ANYTHING.map(json_bytes) | DEEP | PAGES)


def text_inputs(right: str) -> st.SearchStrategy[bytes]:
    """Of a text in a format of its own."""
    return mostly(flipped(right.encode()), st.text(max_size=60).map(str.encode) | DEEP | PAGES)


def header_inputs(right: bytes) -> st.SearchStrategy[bytes]:
    """Of a safetensors file: its header exchanged value by value, or its bytes."""
    end = 8 + int.from_bytes(right[:8], "little")
    plain, body = json.loads(right[8:end]), right[end:]

    def whole(header: bytes) -> bytes:
        return len(header).to_bytes(8, "little") + header + body

    return mostly(exchanged(plain).map(json_bytes).map(whole), json_inputs(plain).map(whole), flipped(right))


def number_exchanged(draw: st.DrawFn, right: bytearray) -> None:
    """A count, a length, a kind or a place of a GGUF header becomes another number: four or eight bytes of it."""
    width = draw(st.sampled_from([4, 8]))
    at = draw(st.integers(4, min(len(right), GGUF_HEADER) - width))
    number = draw(st.sampled_from([0, 1, 8, 9, 31, 255, 2**16, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]))
    right[at : at + width] = (number % 2 ** (8 * width)).to_bytes(width, "little")


@st.composite
def counted(draw: st.DrawFn, right: bytes) -> bytes:
    """The bytes of a GGUF file with some of its header's numbers exchanged."""
    changed = bytearray(right)
    for _ in range(draw(st.integers(1, 3))):
        number_exchanged(draw, changed)
    return bytes(changed)


def gguf_inputs(right: bytes) -> st.SearchStrategy[bytes]:
    """Of a GGUF file: its header's numbers, or its bytes."""
    return mostly(counted(right), flipped(right))


class Runs:
    """A pickle that makes a file where it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return open, (self.place, "w")


def pickle_inputs(state: dict[str, torch.Tensor], canary: Path) -> st.SearchStrategy[bytes]:
    """Of a file of torch's: its bytes, its pickle's bytes, and pickles of anything, some of which run code."""
    stream = io.BytesIO()
    torch.save(state, stream)
    right = stream.getvalue()
    with zipfile.ZipFile(stream) as archive:
        name = next(entry for entry in archive.namelist() if entry.endswith("data.pkl"))
        inner = archive.read(name)
    evil = pickle.dumps({"a": Runs(canary)}, protocol=2)
    protocols = st.sampled_from([0, 2, 4])
    foreign = flipped(evil) | st.builds(pickle.dumps, ANYTHING, protocols) | st.binary(max_size=40)
    pickles = mostly(flipped(inner), foreign)
    return mostly(pickles.map(lambda content: with_entry(right, name, content)), flipped(right), foreign)


def with_entry(archive: bytes, name: str, content: bytes) -> bytes:
    """The archive with one entry exchanged."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return stream.getvalue()

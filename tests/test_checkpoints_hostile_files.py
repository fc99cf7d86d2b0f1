"""Hostile files: each is one sentence within seconds, in little memory, and no code of it runs."""

import io
import os
import pickle
import resource
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import torch
from model_folders import edit_config, good_folder
from safetensors.torch import load_file
from test_checkpoints_refusals import ENTRY, header, raw

from headscope.models.checkpoints import CheckpointError, open_model
from headscope.models.data.images.picture import decoded_picture

MOST_SECONDS, MOST_GROWTH = 5, 2**30
SINGLE, BIN = "model.safetensors", "pytorch_model.bin"
PAGE = b"<!DOCTYPE html><html><body>404</body></html>" * 9


class Runs:
    """What a pickle can do: it makes a folder where it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.place,)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path / "model")


def canary(folder: Path) -> Path:
    return folder.parent / "was here"


def as_bin(write: Callable[[Path, Any], object], name: str = BIN) -> Callable[[Path], None]:
    """The folder's weights in a file of another kind, with what runs code among them."""

    def spoil(folder: Path) -> None:
        state: dict[str, Any] = {**load_file(folder / SINGLE), "evil": Runs(canary(folder))}
        (folder / SINGLE).unlink()
        write(folder / name, state)

    return spoil


def plain_pickle(protocol: int) -> Callable[[Path, Any], object]:
    return lambda file, state: file.write_bytes(pickle.dumps({"evil": state["evil"]}, protocol))


def zip_around(inner: bytes, name: str = "archive/data.pkl") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, inner)
    return stream.getvalue()


def tar(file: Path, state: Any) -> None:
    with tarfile.open(file, "w") as archive:
        content = pickle.dumps({"evil": state["evil"]})
        entry = tarfile.TarInfo("pickle")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


def bomb(file: Path, state: Any) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("archive/data.pkl", "w") as entry:
        for _ in range(256):
            entry.write(bytes(2**20))


def expanded(file: Path, state: Any) -> None:
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, file)


def both_names_of_one(count: int) -> bytes:
    return b"{" + b",".join(b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' for _ in range(count)) + b"}"


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    # pickles in disguise
    "pickle as safetensors": (as_bin(plain_pickle(2), SINGLE), "its header claims|is not valid JSON"),
    "torch file as safetensors": (
        as_bin(lambda file, state: torch.save(state, file), SINGLE),
        "its header claims|is not valid JSON",
    ),
    "bare pickle": (as_bin(plain_pickle(0)), "it is no zip archive"),
    "newest pickle": (as_bin(plain_pickle(5)), "it is no zip archive"),
    "legacy file": (
        as_bin(lambda file, state: torch.save(state, file, _use_new_zipfile_serialization=False)),
        "it is no zip archive",
    ),
    "tar": (as_bin(tar), "it is no zip archive"),
    "torch file": (as_bin(lambda file, state: torch.save(state, file)), "it holds more than tensors .posix.mkdir."),
    "pickle in a zip": (
        as_bin(lambda file, state: file.write_bytes(zip_around(pickle.dumps(state["evil"])))),
        "it holds no pickle of torch|it holds more than tensors",
    ),
    "a checkpoint's table": (
        as_bin(lambda file, state: (file.parent / "config.json").unlink() or torch.save({"x": state}, file), "a.pt"),
        "would run code when opened",
    ),
    # sizes that are claimed
    "zip bomb": (as_bin(bomb), "is compressed, as torch never does"),
    "expanded tensor": (as_bin(expanded), "'a' claims 4000000000000 bytes, 4 are stored"),
    "200 000 tensors": (
        header({str(number): {**ENTRY, "shape": [0], "data_offsets": [0, 0]} for number in range(130_000)}),
        "names 130000 tensors; at most 100000",
    ),
    "more tensors than a header holds": (
        header(b" " * (11 * 2**20)),
        "its header claims 11534336 bytes, at most 10485760 are read",
    ),
    "one name many times": (header(both_names_of_one(100_000)), "the name 'a' stands there twice"),
    "a trillion parameters": (
        lambda folder: edit_config(folder, hidden_size=10**6, intermediate_size=10**6),
        "has shape|config.json makes no model",
    ),
    # what a failed download leaves
    "page as weights": (raw(SINGLE, PAGE), "its header claims .* it is not a safetensors file"),
    "page as config": (raw("config.json", PAGE), "config.json: it is not valid JSON"),
    "page as index": (
        lambda folder: (folder / SINGLE).unlink() or raw(f"{SINGLE}.index.json", PAGE)(folder),
        "index.json: it is not valid JSON",
    ),
    "pointer as config": (raw("config.json", b"version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"),
    # json
    "deep config": (raw("config.json", b'{"a":' * 50_000), "config.json: it is not valid JSON"),
    "wide config": (raw("config.json", b"[" + b"[]," * 3_000_000 + b"0]"), r"it has \[ 3000001 times; at most 400000"),
    "number of a million digits": (raw("config.json", b'{"a":' + b"9" * 10**6 + b"}"), "it is not valid JSON"),
    "architectures is a number": (
        lambda folder: edit_config(folder, architectures=1),
        "'architectures' is 1, no list of names of classes",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_sentence_within_seconds_and_memory(case: str, folder: Path) -> None:
    spoil, sentence = HOSTILE[case]
    spoil(folder)
    peak, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
    with pytest.raises(CheckpointError, match=sentence) as caught:
        open_model(folder)
    assert process_time() - began < MOST_SECONDS
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) < MOST_GROWTH
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
    assert not canary(folder).exists()


@pytest.mark.parametrize("side", [9_000, 30_000, 2**31 - 1])
def test_a_picture_of_a_few_bytes_is_not_unfolded(side: int) -> None:
    parts = [
        ("IHDR", side.to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])),
        ("IDAT", zlib.compress(bytes(10**6))),
        ("IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n"
    for name, part in parts:
        body = name.encode() + part
        content += len(part).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    began = process_time()
    with pytest.raises(ValueError, match="picture is") as caught:
        decoded_picture(content)
    assert process_time() - began < MOST_SECONDS and "\n" not in str(caught.value)

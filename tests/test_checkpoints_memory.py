"""Memory: what does not fit is refused from the headers, with both numbers, before any number is read."""

from pathlib import Path

import pytest
import torch
from tiny_models import tiny_model

from headscope import load, save
from headscope.models.checkpoints import CheckpointError, open_folder, opening
from headscope.models.checkpoints.files import memory
from headscope.models.checkpoints.files.header import StoredTensor
from headscope.models.checkpoints.files.memory import bytes_of_weights
from headscope.models.io.memory import free_bytes, free_in_group


def test_a_model_beyond_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tiny_model("cog"), tmp_path / "model", dtype=torch.float16)
    whole = sum(one.numel() for one in tiny_model("cog").parameters())
    monkeypatch.setattr(memory, "free_bytes", lambda: 4 * whole - 1)
    monkeypatch.setattr(opening, "weights_as", lambda *arguments: pytest.fail("read"))
    monkeypatch.setattr(memory, "gib", str)
    with pytest.raises(
        CheckpointError, match=rf"take {4 * whole} of memory and {4 * whole - 1} are .*stored, {2 * whole}"
    ):
        load(folder)
    with pytest.raises(pytest.fail.Exception):
        load(folder, dtype="auto")


@pytest.mark.parametrize(
    ("stored", "dtype", "width"),
    [("BF16", None, 4), ("F64", None, 8), ("BF16", "auto", 2), ("F32", "auto", 4), ("F32", torch.float16, 2)],
)
def test_the_size_is_that_of_the_numbers_after_reading(stored: str, dtype: object, width: int) -> None:
    tensors = [StoredTensor(Path("a"), stored, (3, 5)), StoredTensor(Path("a"), stored, ())]
    assert bytes_of_weights(tensors, dtype) == 16 * width  # type: ignore[arg-type]


def test_the_limit_of_a_container_counts_without_what_its_cache_can_give_back(tmp_path: Path) -> None:
    assert free_in_group(tmp_path) == float("inf")
    for name, words in {
        "memory.max": "max\n",
        "memory.current": "700\n",
        "memory.stat": "a 1\ninactive_file 200",
    }.items():
        (tmp_path / name).write_text(words)
    assert free_in_group(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("1000\n")
    assert free_in_group(tmp_path) == 500
    assert 0 < free_bytes() < float("inf")


def test_what_is_opened_stays_as_it_was_when_its_file_is_written_over(tmp_path: Path) -> None:
    folder = save(tiny_model("cog"), tmp_path / "model")
    opened, file = open_folder(folder), folder / "model.safetensors"
    before = {name: tensor.clone() for name, tensor in opened.model.state_dict().items()}
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)
    assert all(torch.equal(before[name], tensor) for name, tensor in opened.model.state_dict().items())
    with pytest.raises(CheckpointError, match=r"cannot be read|written over"):
        _ = opened.fingerprint


def test_a_fingerprint_is_of_the_file_that_was_opened(tmp_path: Path) -> None:
    folder = save(tiny_model("cog"), tmp_path / "model")
    opened, file = open_folder(folder), folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"0000")
    with pytest.raises(CheckpointError, match="written over since the model was opened from it: open it again"):
        _ = opened.fingerprint


def test_no_weight_is_held_twice(tmp_path: Path) -> None:
    model = load(save(tiny_model("softmax"), tmp_path / "model"))
    plain = model.original_model
    stored = sum(tensor.nbytes for tensor in open_folder(tmp_path / "model").model.parameters())
    held = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in model.parameters()}
    buffers = {id(tensor): tensor.nbytes for tensor in plain.buffers()}
    assert stored <= sum(storage.nbytes() for storage in held.values()) <= stored + sum(buffers.values())

"""Uploads: what is kept of them, under which name, and what is refused."""

import os
from pathlib import Path

import pytest
from tiny_models import tiny_folder

from headscope.app.serving.upload import MOST_KEPT, earlier_upload, uploaded_folder
from headscope.models.checkpoints import open_folder


class Sent:
    """A file as the browser sends it."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


def sent(folder: Path, under: str = "mine") -> list[Sent]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [Sent(f"{under}/{path.relative_to(folder)}", path.read_bytes()) for path in files]


def test_an_upload_opens_as_the_folder_that_was_sent(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "cog", "cog")
    tiny_folder(folder / "step-000001", "softmax")
    tiny_folder(folder / "another", "softmax")
    (folder / "state.pt").write_bytes(b"a pickle")
    found = uploaded_folder(sent(folder), tmp_path / "uploads")
    assert {path.name for path in found.iterdir()} == {
        path.name for path in folder.iterdir() if path.name not in ("state.pt", "another")
    }
    assert open_folder(found).spec.variant == "cog"
    assert open_folder(found / "step-000001").spec.variant == "softmax"


def test_of_two_models_the_one_that_was_sent_last_is_kept(tmp_path: Path) -> None:
    first, last = (sent(tiny_folder(tmp_path / name, name), name) for name in ("cog", "softmax"))
    assert open_folder(uploaded_folder([*first, *last], tmp_path / "uploads")).spec.variant == "softmax"


def test_the_same_files_are_the_same_folder_and_others_another(tmp_path: Path) -> None:
    one, other = (sent(tiny_folder(tmp_path / name, name)) for name in ("cog", "softmax"))
    places = [uploaded_folder(files, tmp_path / "uploads") for files in (one, list(reversed(one)), other)]
    assert places[0] == places[1] != places[2]


@pytest.mark.parametrize(
    ("names", "refusal"),
    [
        (["m/model.safetensors"], "a model folder has a config.json; the upload has m/model.safetensors"),
        (["a/config.json", "a/config.json"], "has config.json twice"),
    ],
)
def test_what_is_no_model_folder_is_refused(names: list[str], refusal: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=refusal):
        uploaded_folder([Sent(name, b"{}") for name in names], tmp_path)


def test_a_name_that_climbs_out_stays_inside(tmp_path: Path) -> None:
    found = uploaded_folder([Sent("..\\..\\config.json", b"{}")], tmp_path / "uploads")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["config.json"]
    assert found.parent == tmp_path / "uploads"


def test_a_link_reopens_an_upload_that_is_still_kept(tmp_path: Path) -> None:
    found = uploaded_folder([Sent("config.json", b"{}")], tmp_path)
    assert earlier_upload(found.name, tmp_path) == found


@pytest.mark.parametrize("digest", ["", "..", "0" * 16, "/etc", "ABCDEF0123456789"])
def test_a_link_to_no_upload_opens_nothing(digest: str, tmp_path: Path) -> None:
    uploaded_folder([Sent("config.json", b"{}")], tmp_path)
    assert earlier_upload(digest, tmp_path) is None


def test_only_the_last_uploads_are_kept(tmp_path: Path) -> None:
    folders = []
    for number in range(MOST_KEPT + 2):
        folders.append(uploaded_folder([Sent("config.json", str(number).encode())], tmp_path))
        os.utime(folders[-1], (number, number))
    again = uploaded_folder([Sent("config.json", b"last")], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (*folders[-MOST_KEPT + 1 :], again)}

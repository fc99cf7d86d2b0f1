"""Uploads: what is kept of them, under which name, and what is refused."""

import os
from pathlib import Path

import pytest
from tiny_models import tiny_folder

from headscope.app.serving.kept.upload import earlier_upload, uploaded_folder
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


def test_the_uploads_that_were_not_used_for_longest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headscope.app.serving.kept.upload.MOST_BYTES", 10)
    folders = [uploaded_folder([Sent("config.json", text)], tmp_path) for text in (b"1234", b"56", b"7890")]
    for age, folder in enumerate(folders):
        os.utime(folder, (age, age))
    assert earlier_upload(folders[0].name, tmp_path)  # which is used now
    again = uploaded_folder([Sent("config.json", b"last")], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {folders[0].name, again.name}


def test_more_than_is_kept_at_all_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headscope.app.serving.kept.upload.MOST_BYTES", 3)
    with pytest.raises(ValueError, match=r"has 4 bytes, and at most 3 are kept: open it by its path"):
        uploaded_folder([Sent("config.json", b"1234")], tmp_path / "uploads")
    assert not [*tmp_path.iterdir()]


def test_what_is_sent_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = uploaded_folder(sent(tiny_folder(tmp_path / "cog", "cog")), tmp_path / "uploads")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder.parent, *folder.parent.rglob("*"))}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}

"""A tokenizer that came by a link or an upload: what makes the library abort or hang ends a process of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_app_pages import page
from tiny_models import tiny_folder

from headscope.app.serving import tokenizer_trial
from headscope.app.serving.tokenizer_trial import refuse_aborting_tokenizer
from headscope.models import zoo
from headscope.models.checkpoints import CheckpointError

CHAIN = [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 26


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_folder(tmp_path / "cog", "cog")


@pytest.fixture
def _unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours looks at the file before the library does."""
    monkeypatch.setattr(tokenizer_trial, "checked_tokenizer_file", lambda folder, name: None)


def spoil(folder: Path, **fields: Any) -> Path:
    file = folder / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))
    return folder


def test_a_tokenizer_that_is_well_passes(folder: Path) -> None:
    refuse_aborting_tokenizer(folder)
    refuse_aborting_tokenizer(zoo.folder("cog"))


@pytest.mark.usefixtures("_unread")
def test_an_abort_is_one_sentence(folder: Path) -> None:
    padding = {"strategy": {"Fixed": 10**10}, "direction": "Right", "pad_to_multiple_of": None}
    spoil(folder, padding={**padding, "pad_id": 0, "pad_type_id": 0, "pad_token": "a"})
    with pytest.raises(CheckpointError, match=r"cannot open the tokenizer of .*: the tokenizers library aborts on it"):
        refuse_aborting_tokenizer(folder)


@pytest.mark.usefixtures("_unread")
def test_what_does_not_end_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_trial, "MOST_SECONDS", 1)
    spoil(folder, normalizer={"type": "Sequence", "normalizers": CHAIN})
    with pytest.raises(CheckpointError, match=r"takes more than 1 s to read it with a line of text|aborts on it"):
        refuse_aborting_tokenizer(folder)


@pytest.mark.usefixtures("_unread", "no_page_waits")
def test_a_page_stands_where_a_tokenizer_aborts(folder: Path) -> None:
    padding = {"strategy": {"Fixed": 10**10}, "direction": "Right", "pad_to_multiple_of": None}
    spoil(folder, padding={**padding, "pad_id": 0, "pad_type_id": 0, "pad_token": "a"})
    assert "the tokenizers library aborts on it" in page(folder).error[0].value.replace("\\", "")

"""Libraries of extras: one that is missing is named in one sentence, with what installs it."""

import sys
from pathlib import Path

import pytest

from headscope.models.data.text.sources import dataset_documents
from headscope.models.fitting.fit import accelerator_of
from headscope.models.io.extras import extra_library


def test_a_library_that_is_installed_is_there() -> None:
    assert extra_library("colorsys", "a test", "train").rgb_to_hsv


def test_training_without_accelerate_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ValueError, match=r"^training needs accelerate, which .*: pip install 'headscope\[train\]'$"):
        accelerator_of("float32")


def test_a_data_set_without_datasets_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"^a data set of the hub needs datasets.*headscope\[train\]"):
        next(dataset_documents("no/such", None, "train", "text"))


def test_a_library_that_lacks_another_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("import surely_absent\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="surely_absent"):
        extra_library("half_installed", "a test", "train")

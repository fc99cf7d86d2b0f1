"""Whole files: there complete or not at all; that one cannot be written is known before the work, or one sentence."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from safetensors import SafetensorError

from headscope.models.io.foreign_input import error_in_short

OF_WRITERS = (OSError, RuntimeError, SafetensorError)  # torch's is a RuntimeError; tokenizers raises a bare Exception


def refuse_unwritable(path: Path) -> None:
    """Raise ValueError where no file could be written."""
    folder = path.absolute().parent
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; name a file in it")
    if not folder.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ValueError(f"cannot write {path}: you may not write there; name another place")


def write_whole(path: Path, text: str) -> None:
    """Write a text as a whole file."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to; it takes that place when the block ends well, and else nothing of it stays.

    Raises OSError as `unwritable` does.
    """
    partial = path.with_name(path.name + ".partial")
    with write_errors_in_words(path):
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """The same for a folder; a `place` that somebody else has filled meanwhile stays as it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(dir=place.parent, prefix="partial-"))
    with write_errors_in_words(place):
        try:
            yield partial
            if not place.is_dir():
                partial.rename(place)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def write_errors_in_words(path: Path) -> Iterator[None]:
    """Raise OSError in one sentence for a full disk and its like, whatever the writing library makes of it.

    safetensors, tokenizers and torch raise classes of their own, and none of them names the file.
    """
    try:
        yield
    except Exception as error:
        is_of_a_writer = isinstance(error, OF_WRITERS) or type(error) is Exception
        if not is_of_a_writer or (isinstance(error, OSError) and error.errno is None):  # no errno: a sentence already
            raise
        words = error.strerror if isinstance(error, OSError) and error.strerror else error_in_short(error)
        raise OSError(f"cannot write {path}: {words[:1].lower()}{words[1:]}") from error

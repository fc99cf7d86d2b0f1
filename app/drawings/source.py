"""Source: the scripts and styles of drawings, read from the files beside this one."""

from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent


def drawing_text(*names: str) -> str:
    """The text of files of this folder, one after another; scripts share one module."""
    return text_of(HERE, names)


def text_of(folder: Path, names: Iterable[str]) -> str:
    """The text of files of a folder, one after another."""
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)

"""Source: the scripts and styles of drawings, read from the files beside this one."""

from pathlib import Path

HERE = Path(__file__).parent


def drawing_text(*names: str) -> str:
    """The text of files of this folder, one after another; scripts share one module."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)

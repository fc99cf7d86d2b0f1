"""Source of a component: its scripts and styles, read from the files beside its Python."""

from pathlib import Path

HERE = Path(__file__).parent


def source_text(*names: str) -> str:
    """The text of sibling files, one after another; scripts share one module, the last one exports the drawing."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)

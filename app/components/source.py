"""Source of a component: its scripts and styles, read from the files beside its Python."""

from pathlib import Path

from headscope.app.drawings.source import text_of

HERE = Path(__file__).parent


def source_text(*names: str) -> str:
    """The text of sibling files, one after another; scripts share one module, the last one exports the drawing."""
    return text_of(HERE, names)

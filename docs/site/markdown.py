"""Markdown: what the printed pages are made of."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells below their heads; a head that ends in a colon has its column to the right."""
    rules = ["---:" if head.endswith(":") else "---" for head in heads]
    lines = [[head.rstrip(":") for head in heads], rules, *(map(cell, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Markdown that stands in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def prose(text: str) -> str:
    """Text that means no Markdown, with its formulas as they are written."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`")


def code(names: Iterable[str]) -> str:
    """Names as code, with commas between them."""
    return ", ".join(f"`{name}`" for name in names)


def fenced(text: str, language: str) -> str:
    """Text as a block of code, between more backticks than stand in it."""
    fence = "```" if "```" not in text else "````"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

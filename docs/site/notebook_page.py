"""A notebook as a page: its words, its code, and what its cells gave when it was stored; nothing is run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import nbformat

from docs.site.markdown import fenced

LINK = re.compile(r"\]\(\.\./((?:\.\./)*notebooks/\w+)\.ipynb\)")
SVG, HTML, TEXT = "image/svg+xml", "text/html", "text/plain"


@dataclass(frozen=True)
class NotebookPage:
    """markdown: the page; pictures: by the names that it gives them, which lie beside it."""

    markdown: str
    pictures: dict[str, str] = field(default_factory=dict)


def notebook_page(name: str, book: nbformat.NotebookNode) -> NotebookPage:
    """The page of a notebook that is called name."""
    parts: list[str] = []
    pictures: dict[str, str] = {}
    for cell in book.cells:
        parts.append(cell.source if cell.cell_type == "markdown" else fenced(cell.source, "python"))
        for output in cell.get("outputs", []):
            data = output.get("data", {TEXT: output.get("text", "")})
            if SVG in data:
                picture = f"{name}-{len(pictures)}.svg"
                pictures[picture] = data[SVG]
                parts.append(f"![{data.get(TEXT, name).replace('[', '(').replace(']', ')')}]({picture})")
            else:
                parts.append(shown(data))
    return NotebookPage("\n\n".join(parts) + "\n", pictures)


def linked_to_pages(markdown: str) -> str:
    """A page whose links to notebooks, which in the repository stand beside docs/, lead to their pages."""
    return LINK.sub(r"](\1.md)", markdown)


def shown(data: Mapping[str, str]) -> str:
    """An output that is no picture: a table as it is, anything else as text."""
    return "\n".join(without_style(data[HTML])) if HTML in data else fenced(data[TEXT], "text")


def without_style(html: str) -> Iterator[str]:
    """The lines of a table without the style that pandas puts before it, and without its frame."""
    styled = False
    for line in html.splitlines():
        styled = styled or line.startswith("<style")
        if line.strip() and not styled:
            yield line.replace(' border="1"', "")
        styled = styled and not line.startswith("</style>")

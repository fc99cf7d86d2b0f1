"""Likeness: whether two runs of a notebook say the same.

Words are the same exactly, numbers to within a hundredth, because processors differ in the last digits. Pictures have
the same words, the same pictures inside and nearly as many strokes: a range that differs a little has another tick.
"""

import base64
import io
import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import nbformat
from PIL import Image

NUMBER = re.compile(r"[-+\u2212]?\d+(?:\.\d+)?(?:e[-+]?\d+)?%?")
RELATIVE, ABSOLUTE = 0.01, 0.005
STROKES = 0.05  # of all strokes
Book = nbformat.NotebookNode


def differences(stored: Book, fresh: Book) -> list[str]:
    """In which cells two runs differ, and how."""
    if len(stored.cells) != len(fresh.cells):
        return [f"{len(stored.cells)} cells and {len(fresh.cells)} cells"]
    pairs = zip(stored.cells, fresh.cells, strict=True)
    return [f"cell {at}: {how}" for at, (one, other) in enumerate(pairs) for how in of_cells(one, other)]


def of_cells(stored: Book, fresh: Book) -> Iterator[str]:
    """How one cell differs."""
    if stored.get("execution_count") != fresh.get("execution_count"):
        yield f"ran as number {stored.get('execution_count')} and {fresh.get('execution_count')}"
    one, other = (list(parts(cell)) for cell in (stored, fresh))
    if [kind for kind, _ in one] != [kind for kind, _ in other]:
        yield f"gives {[kind for kind, _ in one]} and {[kind for kind, _ in other]}"
        return
    for (kind, text), (_, again) in zip(one, other, strict=True):
        if not (alike_pictures(text, again) if kind == "image/svg+xml" else alike_words(text, again)):
            yield f"its {kind} says other things"


def parts(cell: Book) -> Iterator[tuple[str, str]]:
    """All forms of all outputs of a cell."""
    for output in cell.get("outputs", ()):
        yield from sorted(output.get("data", {output.output_type: output.get("text", "")}).items())


def alike_words(one: str, other: str) -> bool:
    """The same words with numbers that are nearly the same between them."""
    if NUMBER.split(one) != NUMBER.split(other):
        return False
    return all(near(a, b) for a, b in zip(NUMBER.findall(one), NUMBER.findall(other), strict=True))


def near(one: str, other: str) -> bool:
    """Whether two numbers, or percentages, are nearly the same."""
    scale = 100 if one.endswith("%") else 1
    values = [float(text.rstrip("%").replace("\u2212", "-")) / scale for text in (one, other)]
    return math.isclose(*values, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def alike_pictures(one: str, other: str) -> bool:
    """The same words, cells and nearly as many strokes."""
    first, second = (ElementTree.fromstring(text) for text in (one, other))
    strokes, again = (sum(tag(each) in ("path", "use") for each in root.iter()) for root in (first, second))
    said = [list(words(root)) for root in (first, second)]
    is_drawn_alike = abs(strokes - again) <= STROKES * strokes + 2 and sizes(first) == sizes(second)
    return is_drawn_alike and said[0] == said[1]


def words(root: ElementTree.Element) -> Iterator[str]:
    """The words of a picture that are no numbers of an axis."""
    texts = ("".join(each.itertext()) for each in root.iter() if tag(each) == "text")
    return (NUMBER.sub("0", text) for text in texts if not NUMBER.fullmatch(text))


def sizes(root: ElementTree.Element) -> list[tuple[int, int]]:
    """The columns and rows of the pictures inside."""
    links = [value for each in root.iter() if tag(each) == "image" for name, value in each.items() if "href" in name]
    return [Image.open(io.BytesIO(base64.b64decode(link.partition(",")[2]))).size for link in links]


def tag(element: ElementTree.Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]

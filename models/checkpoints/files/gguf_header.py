"""The header of a GGUF file, walked within bounds before the libraries see it, which believe its counts."""

import struct
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import BinaryIO

from headscope.models.checkpoints.files.header import MAX_TENSORS

MAGIC, VERSIONS = b"GGUF", (2, 3)
MOST_FIELDS = 10_000
MOST_ITEMS = 2**21  # of all lists: tokens, merges and scores of the largest vocabularies are a million
MOST_CHARACTERS = 2**20  # of a text, as a chat's template
MOST_DIMENSIONS = 4
ALIGNMENT = "general.alignment"
# Number in the file -> bytes of a value; a text and a list have a length of their own.
WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
UINT32, TEXT, LIST = 4, 8, 9


@dataclass
class Walk:
    """A stream with the bytes that are left of it, and the items of lists that were passed."""

    stream: BinaryIO
    left: int
    items: int = 0

    def taken(self, count: int, what: str) -> bytes:
        """The next bytes. Raises ValueError where the file ends before."""
        if not 0 <= count <= self.left:
            raise ValueError(f"{what} takes {count} bytes, and {self.left} are left in the file")
        self.left -= count
        return self.stream.read(count)

    def number(self, kind: str, what: str) -> int:
        """The next whole number, of struct's kind."""
        return int(struct.unpack(f"<{kind}", self.taken(struct.calcsize(f"<{kind}"), what))[0])

    def text(self, what: str) -> str:
        """The next text."""
        length = self.number("Q", f"the length of {what}")
        if length > MOST_CHARACTERS:
            raise ValueError(f"{what} has {length} bytes; at most {MOST_CHARACTERS} are read")
        return self.taken(length, what).decode("utf-8", "replace")


def refuse_gguf_header(file: Path) -> None:
    """Raise ValueError for counts and lengths that the file does not hold, and tensors that lie on another."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        walk = Walk(stream, size)
        if walk.taken(len(MAGIC), "its magic") != MAGIC:
            raise ValueError("it does not begin as a GGUF file")
        if (version := walk.number("I", "its version")) not in VERSIONS:
            raise ValueError(f"it is of version {version}; known: {', '.join(map(str, VERSIONS))}")
        tensors, fields = walk.number("Q", "its count of tensors"), walk.number("Q", "its count of fields")
        if tensors > MAX_TENSORS or fields > MOST_FIELDS:
            raise ValueError(
                f"it claims {tensors} tensors and {fields} fields; at most {MAX_TENSORS} and {MOST_FIELDS} are read"
            )
        alignment = passed_fields(walk, fields)
        spans = [tensor_span(walk) for _ in range(tensors)]
        begin = -(-(size - walk.left) // alignment) * alignment
        refuse_spans(spans, alignment, size - begin)


def passed_fields(walk: Walk, count: int) -> int:
    """Pass the fields; gives the alignment of tensors that they say."""
    alignment, names = 32, set[str]()
    for _ in range(count):
        if (name := walk.text("the name of a field")) in names:
            raise ValueError(f"the field {name!r:.60} stands there twice")
        names.add(name)
        kind = walk.number("I", f"the kind of {name!r:.60}")
        if name != ALIGNMENT:
            pass_value(walk, kind, f"the field {name!r:.60}")
        elif kind != UINT32 or not 0 < (alignment := walk.number("I", name)) <= 2**16:
            raise ValueError(f"its {ALIGNMENT} is no number from 1 to {2**16}")
    return alignment


def pass_value(walk: Walk, kind: int, what: str) -> None:
    """Pass one value, or a list of plain ones."""
    if kind == TEXT:
        walk.text(what)
    elif kind == LIST:
        pass_list(walk, what)
    elif kind in WIDTHS:
        walk.taken(WIDTHS[kind], what)
    else:
        raise ValueError(f"{what} is of the unknown kind {kind}")


def pass_list(walk: Walk, what: str) -> None:
    """Pass a list, which holds no lists."""
    kind, count = walk.number("I", f"the kind of {what}"), walk.number("Q", f"the length of {what}")
    walk.items += count
    if kind not in (*WIDTHS, TEXT):
        raise ValueError(f"{what} is a list of the kind {kind}; lists hold numbers, truths or texts")
    if walk.items > MOST_ITEMS:
        raise ValueError(f"its lists have {walk.items} items; at most {MOST_ITEMS} are read")
    if kind in WIDTHS:
        walk.taken(count * WIDTHS[kind], what)
        return
    for _ in range(count):
        walk.text(f"a text of {what}")


@dataclass(frozen=True)
class Span:
    """Where a tensor begins in the part of the numbers, and how many bytes it takes."""

    name: str
    begin: int
    count: int


@cache
def block_sizes() -> dict[int, tuple[int, int]]:
    """How many numbers a block of each kind of tensor holds, and its bytes."""
    from gguf import GGML_QUANT_SIZES

    return {int(each): size for each, size in GGML_QUANT_SIZES.items()}


def tensor_span(walk: Walk) -> Span:
    """What the header says of one tensor."""
    name = walk.text("the name of a tensor")
    if (dimensions := walk.number("I", f"the dimensions of {name!r:.60}")) > MOST_DIMENSIONS:
        raise ValueError(f"{name!r:.60} has {dimensions} dimensions; at most {MOST_DIMENSIONS} are read")
    shape = [walk.number("Q", f"the shape of {name!r:.60}") for _ in range(dimensions)]
    kind, begin = walk.number("I", f"the kind of {name!r:.60}"), walk.number("Q", f"the place of {name!r:.60}")
    if kind not in (sizes := block_sizes()):
        raise ValueError(f"{name!r:.60} is of the unknown kind {kind}")
    block, width = sizes[kind]
    if (shape[0] if shape else 1) % block:
        raise ValueError(f"{name!r:.60} of shape {shape} does not divide into blocks of {block}")
    return Span(name, begin, prod(shape) // block * width)


def refuse_spans(spans: list[Span], alignment: int, room: int) -> None:
    """Raise ValueError for names that come twice, and tensors beyond the file or on one another."""
    if len({span.name for span in spans}) < len(spans):
        raise ValueError("two of its tensors have the same name")
    end, last = 0, ""
    for span in sorted(spans, key=lambda span: (span.begin, span.count)):
        if span.begin % alignment or span.begin + span.count > room:
            raise ValueError(
                f"{span.name!r:.60} lies at byte {span.begin} and takes {span.count}; the file has room for {room}, "
                f"in steps of {alignment}"
            )
        if span.begin < end:
            raise ValueError(f"{span.name!r:.60} lies on {last!r:.60}")
        end, last = span.begin + span.count, span.name

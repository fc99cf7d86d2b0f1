"""Documents of the running Python: its source, its docstrings and its language reference."""

import ast
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from headscope.models.data.document import Document

TOPIC_COPIES = 3
SKIPPED_FOLDERS = ("site-packages", "dist-packages", "encodings", "pydoc_data", "__pycache__")


@cache  # reading and parsing them takes seconds, and an experiment opens many runs
def stdlib_documents() -> tuple[Document, ...]:
    """Each module's source, each module's docstrings, and `TOPIC_COPIES` copies of each help topic.

    Left out: tests, `encodings` (tables of characters), build settings and what is not UTF-8. A module's source and
    docstrings bear one name, so that both fall on the same side of the validation split; so do a topic's copies.
    """
    return (*documented_modules(), *topic_documents())


def documented_modules() -> Iterator[Document]:
    """Each module's source, and after it its docstrings where it has any."""
    for document in module_documents():
        yield document
        if docstrings := module_docstrings(document.text):
            yield Document(document.name, docstrings)


def module_documents() -> Iterator[Document]:
    """Each module's source, in the order of their names."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if not _skipped(name) and (text := _utf8(path)):
            yield Document(name.as_posix(), text)


def topic_documents() -> Iterator[Document]:
    """The language reference as `help()` shows it."""
    from pydoc_data.topics import topics

    for name, text in sorted(topics.items()):
        yield from [Document(f"topic {name}", text)] * TOPIC_COPIES


def module_docstrings(source: str) -> str:
    """All docstrings of a module, dedented, in order, a blank line between."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    return "\n\n".join(text for node in nodes if (text := ast.get_docstring(node)))


def _skipped(name: Path) -> bool:
    tests = any("test" in part and part != "unittest" for part in name.parts[:-1]) or "test_" in name.name
    built = name.parts[0].startswith("config-") or name.name.startswith("_sysconfigdata")
    return tests or built or any(part in SKIPPED_FOLDERS for part in name.parts)


def _utf8(path: Path) -> str:
    """The file's text, or nothing where it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""

"""Where documents come from: the running Python, text files, a Hugging Face dataset, or a task; and their tokens."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from headscope.models.data.document import Document
from headscope.models.data.tasks.indirect_objects import indirect_object_documents
from headscope.models.data.text.stdlib import stdlib_documents
from headscope.models.data.text.tokenizer import train_tokenizer
from headscope.models.data.text.word_tokenizer import word_tokenizer
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.near_names import known_names


@dataclass(frozen=True)
class Source:
    """How documents are read, from which fields of a recipe's `corpus` table, and how they become tokens.

    tokenizer: texts, a size of vocabulary and a context -> a tokenizer.
    """

    read: Callable[..., Iterable[Document]]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    tokenizer: Callable[[Iterable[str], int, int], PreTrainedTokenizerFast] = train_tokenizer


def documents(corpus: dict[str, Any]) -> list[Document]:
    """The documents that a recipe's `corpus` table names; empty ones are left out."""
    source = source_of(corpus)
    options = {name: value for name, value in corpus.items() if name != "source"}
    named, known = repr(corpus["source"]), source.required + source.optional
    if unknown := [name for name in options if name not in known]:
        raise ValueError(f"unknown field {unknown[0]!r} of corpus {named}; known: {known_names(unknown[0], known)}")
    if missing := [name for name in source.required if name not in options]:
        raise ValueError(f"corpus {named} needs the field {missing[0]!r}")
    found = [document for document in source.read(**options) if document.text.strip()]
    if not found:
        raise ValueError(f"corpus {corpus} holds no text")
    return found


def source_of(corpus: dict[str, Any]) -> Source:
    """The source that a recipe's `corpus` table names."""
    name = corpus.get("source")
    if name not in SOURCES:
        raise ValueError(f"unknown corpus source {name!r}; known: {known_names(name, SOURCES)}")
    return SOURCES[name]


def text_documents(path: str, pattern: str = "*.txt") -> Iterator[Document]:
    """One UTF-8 file, or each file of a folder (and its subfolders) whose name fits the pattern."""
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"there is no text file or folder at {root}")
    for file in [root] if root.is_file() else sorted(root.rglob(pattern)):
        try:
            yield Document(file.relative_to(root.parent).as_posix(), file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start})") from error


def dataset_documents(
    name: str, config: str | None = None, split: str = "train", column: str = "text"
) -> Iterator[Document]:
    """Each row of one column of a Hugging Face dataset, or of a local folder that `datasets` can read."""
    import datasets

    with foreign_input(f"cannot open dataset {name!r}", advice="give a local folder or a name on the Hub"):
        rows = datasets.load_dataset(name, config, split=split)
    if column not in rows.column_names:
        raise ValueError(f"dataset {name!r} has no column {column!r}; it has: {', '.join(rows.column_names)}")
    for index, text in enumerate(rows[column]):
        if not isinstance(text, str):
            raise ValueError(f"column {column!r} of dataset {name!r} holds {text!r} in row {index}; it must be text")
        yield Document(f"row {index}", text)


SOURCES = {
    "stdlib": Source(stdlib_documents),
    "text": Source(text_documents, ("path",), ("pattern",)),
    "dataset": Source(dataset_documents, ("name",), ("config", "split", "column")),
    "indirect_objects": Source(indirect_object_documents, (), ("texts",), word_tokenizer),
}

"""Where documents come from: the running Python, text files, a Hugging Face dataset, or texts made by rule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from transformers import PreTrainedTokenizerFast

from headscope.models.data.document import Document
from headscope.models.data.tasks.indirect_objects import TEXTS, indirect_object_documents
from headscope.models.data.tasks.ones_and_zeros import LONGEST, ones_and_zeros_documents
from headscope.models.data.tasks.ones_and_zeros import TEXTS as QUESTIONS
from headscope.models.data.text.stdlib import stdlib_documents
from headscope.models.data.text.text_data import TextData
from headscope.models.data.text.word_tokenizer import word_tokenizer
from headscope.models.io.extras import extra_library
from headscope.models.io.foreign_input import foreign_input


@final
@dataclass(frozen=True, kw_only=True)
class Stdlib(TextData):
    """The source, docstrings and reference of the running Python."""

    def read(self) -> Iterable[Document]:
        """Its documents."""
        return stdlib_documents()


@final
@dataclass(frozen=True, kw_only=True)
class TextFiles(TextData):
    """A text file, or the files of a folder whose names fit a pattern."""

    path: str
    pattern: str = "*.txt"

    def read(self) -> Iterable[Document]:
        """Its documents."""
        return text_documents(self.path, self.pattern)


@final
@dataclass(frozen=True, kw_only=True)
class Dataset(TextData):
    """A column of a Hugging Face dataset."""

    name: str
    config: str | None = None
    split: str = "train"
    column: str = "text"

    def read(self) -> Iterable[Document]:
        """Its documents."""
        return dataset_documents(self.name, self.config, self.split, self.column)


@final
@dataclass(frozen=True, kw_only=True)
class Stories(TextData):
    """Short stories of indirect objects, each of their words one token."""

    texts: int = TEXTS

    def read(self) -> Iterable[Document]:
        """Its documents."""
        return indirect_object_documents(self.texts)

    def tokenizer(self, texts: Iterable[str]) -> PreTrainedTokenizerFast:
        """A tokenizer of all their words."""
        return word_tokenizer(texts, self.vocabulary, self.context)


@final
@dataclass(frozen=True, kw_only=True)
class OnesAndZeros(TextData):
    """Questions about sequences of at most `longest` digits, each word and digit one token."""

    texts: int = QUESTIONS
    longest: int = LONGEST

    def read(self) -> Iterable[Document]:
        """Its documents."""
        return ones_and_zeros_documents(self.texts, self.longest)

    def tokenizer(self, texts: Iterable[str]) -> PreTrainedTokenizerFast:
        """A tokenizer of all their words."""
        return word_tokenizer(texts, self.vocabulary, self.context)


def text_documents(path: str, pattern: str) -> Iterator[Document]:
    """One UTF-8 file, or each file of a folder (and its subfolders) whose name fits the pattern."""
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"there is no text file or folder at {root}")
    for file in [root] if root.is_file() else sorted(root.rglob(pattern)):
        try:
            yield Document(file.relative_to(root.parent).as_posix(), file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start})") from error


def dataset_documents(name: str, config: str | None, split: str, column: str) -> Iterator[Document]:
    """Each row of one column of a Hugging Face dataset, or of a local folder that `datasets` can read."""
    datasets = extra_library("datasets", "a data set of the hub", "train")
    with foreign_input(f"cannot open dataset {name!r}", advice="give a local folder or a name on the Hub"):
        rows = datasets.load_dataset(name, config, split=split)
    if column not in rows.column_names:
        raise ValueError(f"dataset {name!r} has no column {column!r}; it has: {', '.join(rows.column_names)}")
    for index, text in enumerate(rows[column]):
        if not isinstance(text, str):
            raise ValueError(f"column {column!r} of dataset {name!r} holds {text!r} in row {index}; it must be text")
        yield Document(f"row {index}", text)

"""Text data: which documents a language model is shown, in which tokens, and in which windows of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from headscope.models.data.document import Document
from headscope.models.data.text.batches import WINDOWS
from headscope.models.data.text.repeats import refuse_repeats
from headscope.models.data.text.tokenizer import train_tokenizer
from headscope.models.io.plain_record import refuse_unknown_choice


@dataclass(frozen=True, kw_only=True)
class TextData(ABC):
    """`vocabulary`, `context` and `split_seed` decide the tokens of the documents and those held out; a window has
    `context` tokens; `validation_windows` are measured.

    windows: those of the "joined" documents, from anywhere, or "documents", one in each; the places that a short
    document leaves empty are asked for nothing, and counted among a run's tokens. Runs of several seeds share a split.
    repeats: in which share of the joined windows, if in any, a span stands twice, which an induction head can tell;
    text held out is left as it is.
    """

    vocabulary: int = 2048
    context: int = 256
    windows: str = "joined"
    split_seed: int = 0
    validation_windows: int = 64
    repeats: float | None = None

    def __post_init__(self) -> None:
        refuse_unknown_choice("windows", self.windows, WINDOWS)
        if self.repeats is not None:
            refuse_repeats(self.repeats, self.windows, self.context)

    @abstractmethod
    def read(self) -> Iterable[Document]:
        """Its documents; some may be empty."""

    def tokenizer(self, texts: Iterable[str]) -> PreTrainedTokenizerFast:
        """A tokenizer of the texts."""
        return train_tokenizer(texts, self.vocabulary, self.context)

    def documents(self) -> list[Document]:
        """Its documents that hold text. ValueError where none does."""
        full = [document for document in self.read() if document.text.strip()]
        if not full:
            raise ValueError(f"the recipe's data holds no text: {self}")
        return full

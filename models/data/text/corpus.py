"""A tokenised corpus: documents shuffled and joined, some held out; made once and kept in a cache folder."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import UInt
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from headscope.models.data.document import Document
from headscope.models.data.text.text import Text
from headscope.models.data.text.text_data import TextData
from headscope.models.io.cache_folder import cache_folder
from headscope.models.io.fields import Fields
from headscope.models.io.foreign_input import foreign_input
from headscope.models.io.records import read_record
from headscope.models.io.whole_file import whole_folder

HELD_OUT = 0.02
LAYOUT = 1


@dataclass(frozen=True)
class Corpus:
    """Training and held-out tokens, the tokenizer that made them, and facts about them (sizes, hash, Python)."""

    training: UInt[np.ndarray, "training_token"]
    validation: UInt[np.ndarray, "validation_token"]
    tokenizer: PreTrainedTokenizerBase
    facts: Fields

    @property
    def bos(self) -> int:
        """The id of the token that begins a text."""
        return cast(int, self.tokenizer.bos_token_id)

    @property
    def end(self) -> int:
        """The id of the token that ends a text."""
        return cast(int, self.tokenizer.eos_token_id)

    def text(self, tokens: UInt[np.ndarray, "token"]) -> Text:
        """Its training or held-out tokens, with what begins and ends a text."""
        return Text(tokens, self.bos, self.end)


def prepare_corpus(data: TextData) -> Corpus:
    """The corpus from the cache, tokenised first where it is not there; the same for equal text and seed."""
    texts = data.documents()
    key = corpus_hash(texts, data)
    folder = cache_folder("corpora") / key[:16]
    if not folder.is_dir():
        _fill(folder, texts, key, data)
    corpus = _open(folder)
    refuse_too_small(corpus, data.context)
    return corpus


def refuse_too_small(corpus: Corpus, context: int) -> None:
    """Refuse a corpus whose training or held-out part does not fill one window."""
    for name, tokens in (("training", corpus.training), ("held-out", corpus.validation)):
        if len(tokens) <= context:
            raise ValueError(
                f"the corpus has {len(tokens)} {name} tokens, a window of this recipe takes {context + 1}: "
                "give more text or a smaller context"
            )


def corpus_hash(documents: list[Document], data: TextData) -> str:
    """sha256 of every document and of what decides its tokenisation."""
    digest = hashlib.sha256(f"{LAYOUT} {data.vocabulary} {data.context} {data.split_seed}".encode())
    for document in documents:
        for text in (document.name, document.text):
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def split_documents(documents: list[Document], seed: int) -> tuple[list[Document], list[Document]]:
    """Shuffled documents for training, and those of 2 % of the names for validation; of a lone text its last 2 %."""
    dice = np.random.default_rng(seed)
    names = sorted({document.name for document in documents})
    if len(names) == 1:
        text = "".join(document.text for document in documents)
        cut = len(text) - ceil(HELD_OUT * len(text))
        return [Document(names[0], text[:cut])], [Document(names[0], text[cut:])]
    held_out = {names[i] for i in dice.permutation(len(names))[: ceil(HELD_OUT * len(names))]}
    shuffled = [documents[i] for i in dice.permutation(len(documents))]
    return (
        [document for document in shuffled if document.name not in held_out],
        [document for document in shuffled if document.name in held_out],
    )


def encode(tokenizer: PreTrainedTokenizerFast, documents: list[Document]) -> UInt[np.ndarray, "token"]:
    """All documents as one row of token ids, each opened and the whole closed by the end-of-text token."""
    end = [tokenizer.eos_token_id]
    encoded = tokenizer.backend_tokenizer.encode_batch_fast(
        [document.text for document in documents], add_special_tokens=False
    )
    kind = np.uint16 if len(tokenizer) <= 2**16 else np.uint32
    return np.concatenate([np.array(end + item.ids, dtype=kind) for item in encoded] + [np.array(end, dtype=kind)])


def _fill(folder: Path, documents: list[Document], key: str, data: TextData) -> None:
    training, validation = split_documents(documents, data.split_seed)
    texts = (document.text for document in training)
    tokenizer = data.tokenizer(texts)
    facts = {"sha256": key, "python": platform.python_version(), "documents": len(documents)}
    with whole_folder(folder) as partial:
        tokenizer.save_pretrained(partial / "tokenizer")
        for name, part in (("training", training), ("validation", validation)):
            tokens = encode(tokenizer, part)
            np.save(partial / f"{name}.npy", tokens)
            facts |= {f"{name}_tokens": len(tokens), f"{name}_characters": sum(len(document.text) for document in part)}
        (partial / "corpus.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class CorpusFacts:
    """What corpus.json says of a kept corpus."""

    sha256: str
    python: str
    documents: int
    training_tokens: int
    training_characters: int
    validation_tokens: int
    validation_characters: int


def _open(folder: Path) -> Corpus:
    with foreign_input(f"cannot read the kept corpus {folder}", advice="remove it, and it is made anew"):
        return Corpus(
            training=np.load(folder / "training.npy", mmap_mode="r"),
            validation=np.load(folder / "validation.npy", mmap_mode="r"),
            tokenizer=PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer"),
            facts=asdict(read_record(CorpusFacts, folder / "corpus.json")),
        )

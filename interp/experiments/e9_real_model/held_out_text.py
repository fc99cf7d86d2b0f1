"""Text of a seed: documents of Python's library that no other seed has, and passages of them in a model's tokens."""

from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from transformers import PreTrainedTokenizerFast

from headscope.interp.experiments.e9_real_model.real_model_sizes import RealModelSize
from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.token_strings import token_string
from headscope.models.data.document import Document
from headscope.models.data.text.batches import validation_batch
from headscope.models.data.text.corpus import encode
from headscope.models.data.text.own_tokens import tokenizer_with_ends
from headscope.models.data.text.stdlib import module_documents, topic_documents
from headscope.models.data.text.text import Text

SPLIT = 0  # of the dice that deal documents to seeds
PATTERN = "*.txt"


@cache
def library(corpus: str) -> dict[str, str]:
    """Every document by its name: modules' source and help topics, or the topics alone."""
    modules = [*module_documents()] if corpus == "stdlib" else []
    return {document.name: document.text for document in (*modules, *topic_documents()) if document.text.strip()}


def documents_of(seed: int, size: RealModelSize) -> list[Document]:
    """The seed's documents. ValueError where so many seeds have none left."""
    texts = library(size.corpus)
    names = np.random.default_rng(SPLIT).permutation(sorted(texts))[seed * size.names : (seed + 1) * size.names]
    if len(names) < size.names:
        raise ValueError(f"{len(texts)} documents, {size.names} a seed, are none for seed {seed}: give fewer seeds")
    return [Document(str(name), texts[str(name)]) for name in names]


def written_documents(seed: int, size: RealModelSize, folder: Path) -> Path:
    """A folder that holds the seed's documents as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, document in enumerate(documents_of(seed, size)):
        (folder / f"{at:04}.txt").write_text(document.text, encoding="utf-8")
    return folder


def passage(model: HookedModel, seed: int, size: RealModelSize, tokens: int) -> PromptTokens:
    """So many tokens from the middle of the seed's documents, behind the token that begins a text."""
    tokenizer = tokenizer_with_ends(cast(PreTrainedTokenizerFast, tokenizer_of(model)), model.cfg.d_vocab)
    joined = encode(tokenizer, documents_of(seed, size))
    text = Text(joined, cast(int, tokenizer.bos_token_id), cast(int, tokenizer.eos_token_id))
    ids = tuple(validation_batch(text, windows=3, context=tokens - 1)[1].tolist())
    return prompt_of_known_ids(model, ids)


def said_twice(model: HookedModel, prompt: PromptTokens) -> PromptTokens:
    """The first half of a passage and the same again, behind its first token."""
    half = prompt.ids[1 : 1 + (len(prompt) - 1) // 2]
    return prompt_of_known_ids(model, (*prompt.ids[:1], *half, *half))


def prompt_of_known_ids(model: HookedModel, ids: tuple[int, ...]) -> PromptTokens:
    """Ids with their strings."""
    return PromptTokens(ids, tuple(token_string(i, tokenizer_of(model)) for i in ids))

"""A corpus in a model's own tokens: documents split as always, encoded by the tokenizer that the model came with."""

import platform
from typing import cast

from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from headscope.models.data.text.corpus import Corpus, corpus_hash, encode, refuse_too_small, split_documents
from headscope.models.data.text.text_data import TextData
from headscope.models.io.fields import Fields


def corpus_in_tokens_of(tokenizer: PreTrainedTokenizerBase, data: TextData, vocabulary: int) -> Corpus:
    """The documents in the tokenizer's tokens, 2 % of their names held out.

    By default (`split_seed` 0) the shipped models have not met what is held out either.

    Raises ValueError for a tokenizer that has no token to begin or end a text with, or tokens that are not among the
    model's `vocabulary`, and for a text that is too short.
    """
    own = tokenizer_with_ends(cast(PreTrainedTokenizerFast, tokenizer), vocabulary)
    texts = data.documents()
    parts = [encode(own, part) for part in split_documents(texts, data.split_seed)]
    sha256 = corpus_hash(texts, data)
    facts: Fields = {"sha256": sha256, "python": platform.python_version()}
    facts |= {f"{name}_tokens": len(tokens) for name, tokens in zip(("training", "validation"), parts, strict=True)}
    corpus = Corpus(*parts, tokenizer=own, facts=facts)
    refuse_too_small(corpus, data.context)
    return corpus


def tokenizer_with_ends(tokenizer: PreTrainedTokenizerFast, vocabulary: int) -> PreTrainedTokenizerFast:
    """A copy whose texts have a beginning and an end; one token does for both where there is no other."""
    if len(tokenizer) > vocabulary:
        raise ValueError(f"the tokenizer has {len(tokenizer)} tokens, the model knows {vocabulary}")
    begin, end = tokenizer.bos_token, tokenizer.eos_token
    if begin is None and end is None:
        raise ValueError("the tokenizer has no token that begins or ends a text; give it bos_token or eos_token")
    core = tokenizer.backend_tokenizer
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token=begin or end, eos_token=end or begin)

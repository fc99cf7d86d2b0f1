"""Own text: a text as material for a model that came with its tokenizer, in that tokenizer's tokens."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from headscope.models.checkpoints import OpenedModel
from headscope.models.data.material import Material
from headscope.models.data.table import fields_of
from headscope.models.data.text.own_tokens import corpus_in_tokens_of
from headscope.models.data.text.text_data import TextData
from headscope.models.data.text.text_material import corpus_material


def own_text_material(opened: OpenedModel, data: Mapping[str, object], batch: int, seed: int) -> Material:
    """A recipe's table `data` in the model's own tokens; its tokenizer is the model's, as it came.

    Raises ValueError for data that is no text, and for a text that asks for another vocabulary than the model's.
    """
    text, tokenizer, vocabulary = fields_of(data), opened.tokenizer, opened.model.config.vocab_size
    if not isinstance(text, TextData) or tokenizer is None:
        raise ValueError(f"a trained model learns from a text; the data {data['source']!r} is none")
    if data.get("vocabulary", vocabulary) != vocabulary:
        raise ValueError(
            f"recipe field 'data.vocabulary' is {text.vocabulary}; the model's own tokenizer decides it, and the model "
            f"has {vocabulary}: leave the field out"
        )
    corpus = corpus_in_tokens_of(tokenizer, replace(text, vocabulary=vocabulary), vocabulary)
    return replace(corpus_material(corpus, text, batch, seed), tokenizer=tokenizer)


def refuse_without_tokenizer(opened: OpenedModel, place: Path) -> None:
    """Refuse a model that cannot read a text."""
    if opened.tokenizer is None:
        raise ValueError(f"{place} has no tokenizer, and text cannot be read without its own: put tokenizer.json there")

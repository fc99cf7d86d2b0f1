"""Text as material: windows of documents, in the tokens of their own tokenizer or of another."""

from headscope.models.data.material import Material, token_fields
from headscope.models.data.text.corpus import Corpus, prepare_corpus
from headscope.models.data.text.loss import next_token_objective
from headscope.models.data.text.text_data import TextData


def text_material(data: TextData, batch: int, seed: int) -> Material:
    """Documents in tokens of their own."""
    return corpus_material(prepare_corpus(data), data, batch, seed)


def corpus_material(corpus: Corpus, data: TextData, batch: int, seed: int) -> Material:
    """A tokenised corpus, `batch` windows in a step."""
    tokenizer = corpus.tokenizer
    return Material(
        next_token_objective(corpus, data, batch, seed),
        token_fields(len(tokenizer), corpus.bos, corpus.end),
        context=data.context,
        tokenizer=tokenizer,
        facts=corpus.facts,
    )

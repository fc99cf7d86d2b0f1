"""A word-level tokenizer: every word of a corpus, and every punctuation mark, is one token."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from headscope.models.data.text.tokenizer import END_OF_TEXT

UNKNOWN = "<|unknown|>"


def word_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer of all words of the texts; others become one unknown token. A word and its space are one token.

    Token 0 is `<|endoftext|>`: begin, end and padding. Raises ValueError where `vocabulary` is too small.
    """
    core = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    words = pre_tokenizers.Metaspace(prepend_scheme="always")
    core.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.Punctuation()])
    core.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary + 1, special_tokens=[END_OF_TEXT, UNKNOWN], show_progress=False
    )
    core.train_from_iterator(texts, trainer)
    if core.get_vocab_size() > vocabulary:
        raise ValueError(f"a vocabulary of {vocabulary} was asked for; this text has more words than that")
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        unk_token=UNKNOWN,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )

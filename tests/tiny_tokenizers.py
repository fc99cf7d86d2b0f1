"""Tiny tokenizers of every kind, by name: byte-level, sentencepiece with byte fallback, Unigram, WordPiece, words."""

from typing import Any

from tiny_models import tiny_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

END = "<e>"
BYTES = {f"<0x{byte:02X}>": 1 + byte for byte in range(256)}
PIECES = {"<unk>": 0, **BYTES, "▁": 257, "a": 258, "b": 259, "▁a": 260, "▁ab": 261, END: 262}
MERGES = [("▁", "a"), ("▁a", "b")]
SENTENCEPIECE = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
UNIGRAM = [("<unk>", 0.0), ("▁a", -1.0), ("b", -2.0), ("▁", -3.0), (END, -9.0)]
WORDS = {"a": 0, "b": 1, "ab": 2, END: 3}


def fast(model: Any, splitter: Any, decoder: Any = None, **special: str) -> PreTrainedTokenizerFast:
    core = Tokenizer(model)
    core.pre_tokenizer = splitter
    if decoder is not None:
        core.decoder = decoder
    if "bos_token" in special:
        core.post_processor = processors.TemplateProcessing(
            single=f"{END} $0", special_tokens=[(END, core.token_to_id(END))]
        )
    return PreTrainedTokenizerFast(tokenizer_object=core, **special)


def metaspace() -> Any:
    return pre_tokenizers.Metaspace(prepend_scheme="always", split=False)


def tiny_tokenizers() -> dict[str, PreTrainedTokenizerFast]:
    """Fresh ones for every caller; those called bare have no special token at all."""
    words, blank = pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()
    bare_pieces = {"a": 0, "##b": 1, "b": 2}
    return {
        "byte-level": tiny_tokenizer(),
        "byte fallback": fast(
            models.BPE(PIECES, MERGES, unk_token="<unk>", byte_fallback=True),
            metaspace(),
            SENTENCEPIECE,
            unk_token="<unk>",
            bos_token=END,
            eos_token=END,
        ),
        "unigram": fast(
            models.Unigram(UNIGRAM, 0), metaspace(), decoders.Metaspace(), unk_token="<unk>", eos_token=END
        ),
        "wordpiece": fast(
            models.WordPiece({**bare_pieces, "[UNK]": 3, END: 4}, unk_token="[UNK]"),
            words,
            decoders.WordPiece(),
            unk_token="[UNK]",
            bos_token=END,
        ),
        "words": fast(
            models.WordLevel({**WORDS, "[UNK]": 4}, unk_token="[UNK]"), blank, unk_token="[UNK]", bos_token=END
        ),
        "bare unigram": fast(models.Unigram(UNIGRAM[1:4]), metaspace(), decoders.Metaspace()),
        "bare wordpiece": fast(models.WordPiece(bare_pieces), words, decoders.WordPiece()),
        "bare words": fast(models.WordLevel({"0": 0, "1": 1, "+": 2}), blank),
        "bare characters": fast(models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]), words),
    }


NAMES = tuple(tiny_tokenizers())
BARE = tuple(name for name in NAMES if name.startswith("bare"))

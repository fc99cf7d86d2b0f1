"""The tokenizer of a hooked model encodes inside as it does outside."""

import copy
from itertools import chain
from typing import Any, cast

from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedTokenizerBase

from headscope.models.io.foreign_input import foreign_tokenizer
from headscope.models.io.known_words import is_known


def give_tokenizer(bridge: TransformerBridge, tokenizer: PreTrainedTokenizerBase) -> None:
    """Hand over the tokenizer as it is; only a missing padding token is filled in, on a copy.

    transformer-lens's own set-up would read the tokenizer anew from the hub to make it prepend a BOS token, and add
    special tokens that the model has no rows for. Here to_tokens prepends the BOS token that there is: by default
    where the tokenizer itself puts it before a text, as the model was trained (Gemma, Llama; not GPT-2, Qwen).
    """
    cast(Any, bridge).plain_tokenizer = tokenizer
    with foreign_tokenizer(tokenizer, "fails on a short text"):
        if tokenizer.pad_token is None:
            tokenizer = with_padding(tokenizer)
        bridge.tokenizer = tokenizer
        bridge.cfg.tokenizer_prepends_bos, bridge.cfg.tokenizer_appends_eos = added_ends(tokenizer)
    bridge.cfg.default_prepend_bos = bridge.cfg.tokenizer_prepends_bos


def with_padding(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """One that pads with a token of its own, and shares its vocabulary, whose copy would be written out and parsed."""
    padding: Any = copy.copy(tokenizer)
    padding._special_tokens_map = dict(padding._special_tokens_map)
    padding.pad_token = tokenizer.eos_token or tokenizer.bos_token or tokenizer.convert_ids_to_tokens(0)
    return padding


def added_ends(tokenizer: PreTrainedTokenizerBase) -> tuple[bool, bool]:
    """Whether the tokenizer puts BOS before a text and EOS after it, seen on the first of its own tokens that it takes.

    transformer-lens tries the text "a", which a vocabulary of digits does not know.
    """
    own = (token for token in tokenizer.get_vocab() if token not in tokenizer.all_special_tokens)
    trial = next((text for text in chain(["a"], own) if is_known(text, tokenizer)), None)
    if trial is None:
        return False, False
    ids = tokenizer.encode(trial)
    first, last = (tokenizer.bos_token_id, getattr(tokenizer, "cls_token_id", None)), tokenizer.eos_token_id
    return len(ids) > 1 and ids[0] in set(first) - {None}, len(ids) > 1 and last is not None and ids[-1] == last

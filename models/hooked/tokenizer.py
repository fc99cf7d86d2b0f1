"""The tokenizer of a hooked model encodes inside as it does outside."""

import copy
from typing import Any, cast

from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources._bridge_builder import detect_tokenizer_bos_eos
from transformers import PreTrainedTokenizerBase

from models.foreign_input import foreign_tokenizer


def give_tokenizer(bridge: TransformerBridge, tokenizer: PreTrainedTokenizerBase) -> None:
    """Hand over the tokenizer as it is; only a missing padding token is filled in, on a copy.

    transformer-lens's own set-up would read the tokenizer anew from the hub to make it prepend a BOS token, and add
    special tokens that the model has no rows for. Here to_tokens prepends the BOS token that there is, if asked to.
    """
    cast(Any, bridge).plain_tokenizer = tokenizer
    with foreign_tokenizer(tokenizer, "fails on a short text"):
        if tokenizer.pad_token is None:
            tokenizer = copy.deepcopy(tokenizer)
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.bos_token or tokenizer.convert_ids_to_tokens(0)
        bridge.tokenizer = tokenizer
        bridge.cfg.tokenizer_prepends_bos, bridge.cfg.tokenizer_appends_eos = detect_tokenizer_bos_eos(tokenizer)

"""Plain ids: the tokens that text is made of, without special ones and rows of the embedding that no token has."""

import torch
from jaxtyping import Int
from torch import Tensor

from headscope.interp.reading.hooked_model import HookedModel, tokenizer_of


def plain_ids(model: HookedModel) -> Int[Tensor, "id"]:
    """The ids that the tokenizer knows, in order, but for special tokens; the whole vocabulary without a tokenizer."""
    tokenizer, vocabulary = tokenizer_of(model), model.cfg.d_vocab
    if tokenizer is None:
        return torch.arange(vocabulary)
    special = {*tokenizer.all_special_ids, *(i for i, item in tokenizer.added_tokens_decoder.items() if item.special)}
    known = sorted({*tokenizer.get_vocab().values()} - special)
    plain = [i for i in known if i < vocabulary]
    if not plain:
        raise ValueError("the tokenizer knows special tokens alone, of which no random prompt can be made")
    return torch.tensor(plain)

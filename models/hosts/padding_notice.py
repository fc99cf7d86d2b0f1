"""A batch that starts with padding and came without a mask is warned of: every token would attend to the padding."""

import inspect
import warnings

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedConfig, PreTrainedModel

from headscope.models.hosts.documents import document_numbers
from headscope.models.seam.call_arguments import Keywords, Places, by_name

WARNING = (
    "the ids start with padding (token {padding}) and no attention_mask came with them, so that every token attends to "
    "the padding: pass attention_mask=(1 where a token counts, 0 where it pads), and to GPT-2 position_ids as well"
)


class PaddingNotice:
    """A forward pre-hook of a base model, which warns once."""

    def __init__(self, base: nn.Module) -> None:
        self.names = tuple(inspect.signature(base.forward).parameters)
        self.is_given = False

    def __call__(self, base: PreTrainedModel, args: Places, kwargs: Keywords) -> None:
        if self.is_given or torch.compiler.is_compiling():
            return
        padding = leading_padding(base.config, by_name(self.names, args, kwargs))
        if padding is not None:
            self.is_given = True
            warnings.warn(WARNING.format(padding=padding), stacklevel=2)


def give_padding_notice(base: nn.Module) -> RemovableHandle:
    """From now on the base model warns, once."""
    return base.register_forward_pre_hook(PaddingNotice(base), with_kwargs=True)


def leading_padding(config: PreTrainedConfig, arguments: Keywords) -> int | None:
    """The padding token that a row of an unmasked call starts with, at least twice; None where there is none."""
    ids = arguments.get("input_ids")
    other = any(arguments.get(name) is not None for name in ("attention_mask", "past_key_values"))
    if other or not isinstance(ids, Tensor) or ids.ndim != 2 or ids.shape[1] < 2:
        return None
    if document_numbers(arguments) is not None:  # each token of the padding is a document of its own
        return None
    twice = ids[ids[:, 0] == ids[:, 1], 0].tolist()
    return next((token for token in twice if token in padding_ids(config)), None)


def padding_ids(config: PreTrainedConfig) -> set[int]:
    """The ids that pad: the config's own, else those of the end and the beginning, which tokenizers pad with."""
    own = getattr(config, "pad_token_id", None)
    names = ("eos_token_id", "bos_token_id") if own is None else ("pad_token_id",)
    values = [getattr(config, name, None) for name in names]
    return {token for value in values for token in (value if isinstance(value, list) else [value]) if token is not None}

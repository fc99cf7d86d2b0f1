"""Several documents packed in one row, as position ids that start anew say: each is computed as if it were alone."""

import inspect
from functools import partial

from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers.masking_utils import find_packed_sequence_indices

from headscope.models.seam.call_arguments import Keywords, Places, by_name

# What flash attention is told of the documents of a row, which their positions say as well.
BOUNDS = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")


def keep_documents_apart(base: nn.Module) -> RemovableHandle:
    """From now on documents packed in a row do not see each other, whether or not the call thought of the cache."""
    names = tuple(inspect.signature(base.forward).parameters)
    return base.register_forward_pre_hook(partial(with_documents_apart, names), with_kwargs=True)


def with_documents_apart(
    names: tuple[str, ...], base: nn.Module, args: Places, kwargs: Keywords
) -> tuple[Places, Keywords]:
    """The base model's call without a cache where documents are packed: beside one transformers hides none of them."""
    arguments = by_name(names, args, kwargs)
    if arguments.get("position_ids") is not None and arguments.get("attention_mask") is None:
        arguments = {name: value for name, value in arguments.items() if name not in BOUNDS}
    if document_numbers(arguments) is None:
        return (), arguments
    if arguments.get("use_cache") or arguments.get("past_key_values") is not None:
        raise ValueError(
            "position_ids that start anew pack several documents in a row, which a cache cannot keep apart: "
            "leave out use_cache and past_key_values, or give an attention mask"
        )
    return (), {**arguments, "use_cache": False}


def document_numbers(arguments: Keywords) -> Int[Tensor, "batch_or_one pos"] | None:
    """Which document of its row each token of a call belongs to, by transformers' own rule; None where it is one.

    position_ids that do not go on by one begin a document; beside an attention mask they never do.
    """
    positions = arguments.get("position_ids")
    if positions is None or positions.ndim != 2 or arguments.get("attention_mask") is not None:
        return None
    numbers = find_packed_sequence_indices(positions)
    return None if numbers is None or not numbers.any() else numbers


def within_documents(
    count: Int[Tensor, "batch_or_one total"], numbers: Int[Tensor, "batch pos"] | None
) -> Int[Tensor, "batch_or_more total"]:
    """Counts of tokens that begin anew with each document."""
    if numbers is None:
        return count
    begins = numbers.diff(dim=-1, prepend=numbers[:, :1]) != 0
    before = (begins * (count - 1)).cummax(-1).values
    return count - before

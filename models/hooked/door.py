"""What the model cannot know is refused by name, before it becomes an IndexError or a wrong mask deep inside."""

import inspect
from functools import partial
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from headscope.models.hosts.carried import is_hooked
from headscope.models.seam.boolean_mask import as_boolean
from headscope.models.seam.call_arguments import Keywords, Places, by_name
from headscope.models.seam.input_sizes import position_tables, positions_before_text

POSITIONS = ("wpe", "embed_positions")


def guard(model: PreTrainedModel) -> None:
    """From now on the model raises ValueError for unknown token ids, for none, for learned positions it lacks, and for
    4-D attention masks that are neither boolean nor 0 and at most -1e4."""
    model.register_forward_pre_hook(refuse_unknown_tokens, with_kwargs=True)
    names = tuple(inspect.signature(model.forward).parameters)
    model.register_forward_pre_hook(partial(with_boolean_mask, names), with_kwargs=True)
    for positions in (getattr(model.base_model, name, None) for name in POSITIONS):
        if positions is not None and is_hooked(positions):
            positions.register_forward_pre_hook(refuse_unknown_positions)
    if (places := text_positions(model)) is not None:
        model.register_forward_pre_hook(partial(refuse_longer_ids, places), with_kwargs=True)


def refuse_unknown_tokens(model: Any, inputs: Places, kwargs: Keywords) -> None:
    ids = inputs[0] if inputs else kwargs.get("input_ids")
    if ids is None:
        return
    if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.ndim != 2 or ids.numel() == 0:
        got = f"{ids.dtype} {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise ValueError(f"token ids are whole numbers [batch, position], at least one; got {got}")
    unknown = outside(ids, rows := model.get_input_embeddings().weight.shape[0])
    if unknown is not None:
        raise ValueError(f"token id {unknown} is outside the vocabulary; this model knows 0 to {rows - 1}")


def with_boolean_mask(
    names: tuple[str, ...], model: PreTrainedModel, inputs: Places, kwargs: Keywords
) -> tuple[Places, Keywords]:
    """The call by names, with prepared masks boolean: in scores, -1e9 would be a number like any other."""
    arguments = by_name(names, inputs, kwargs)
    return (), {**arguments, "attention_mask": boolean_masks(arguments.get("attention_mask"))}


def boolean_masks(mask: object) -> object:
    """A mask [batch, 1 or head, query, key], or such masks by kind of layer, as booleans; any other as it is."""
    if isinstance(mask, dict):
        return {kind: boolean_masks(each) for kind, each in mask.items()}
    return as_boolean(mask) if isinstance(mask, Tensor) and mask.ndim == 4 else mask


def refuse_unknown_positions(embedding: nn.Module, inputs: Places) -> None:
    unknown = outside(inputs[0], rows := embedding.get_parameter("_original_component.weight").shape[0])
    if unknown is not None:
        raise ValueError(f"position {unknown} is outside the context; this model learned positions 0 to {rows - 1}")


def text_positions(model: PreTrainedModel) -> int | None:
    """How many learned positions an encoder has for the tokens of a text; None where it learned none."""
    rows = [table.num_embeddings for table in position_tables(model)]
    return min(rows) - positions_before_text(model) if rows else None


def refuse_longer_ids(places: int, model: Any, inputs: Places, kwargs: Keywords) -> None:
    ids = inputs[0] if inputs else kwargs.get("input_ids")
    if isinstance(ids, Tensor) and ids.shape[-1] > places:
        raise ValueError(f"{ids.shape[-1]} tokens are outside the context; this model learned {places} positions")


def outside(numbers: Int[Tensor, "..."], rows: int) -> int | None:
    """The worst of the numbers that is no row, if there is one."""
    lowest, highest = (int(bound) for bound in torch.aminmax(numbers))
    return lowest if lowest < 0 else highest if highest >= rows else None

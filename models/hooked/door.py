"""Ids that the model has no row for are refused by name, before they become an IndexError deep inside."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


def guard(model: PreTrainedModel) -> None:
    """From now on the model raises ValueError for unknown token ids, for none, and for learned positions it lacks."""
    model.register_forward_pre_hook(refuse_unknown_tokens, with_kwargs=True)
    positions = getattr(model.base_model, "wpe", None)
    if positions is not None:
        positions.register_forward_pre_hook(refuse_unknown_positions)


def refuse_unknown_tokens(model: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ids = inputs[0] if inputs else kwargs.get("input_ids")
    if ids is None:
        return
    if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.ndim != 2 or ids.numel() == 0:
        got = f"{ids.dtype} {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise ValueError(f"token ids are whole numbers [batch, position], at least one; got {got}")
    unknown = outside(ids, rows := model.get_input_embeddings().weight.shape[0])
    if unknown is not None:
        raise ValueError(f"token id {unknown} is outside the vocabulary; this model knows 0 to {rows - 1}")


def refuse_unknown_positions(embedding: nn.Module, inputs: tuple[Any, ...]) -> None:
    unknown = outside(inputs[0], rows := embedding.get_parameter("_original_component.weight").shape[0])
    if unknown is not None:
        raise ValueError(f"position {unknown} is outside the context; this model learned positions 0 to {rows - 1}")


def outside(numbers: Tensor, rows: int) -> int | None:
    """The worst of the numbers that is no row, if there is one."""
    lowest, highest = (int(bound) for bound in torch.aminmax(numbers))
    return lowest if lowest < 0 else highest if highest >= rows else None

"""The gauges: changes of weights that leave a model alone leave every reported number alone, or its field says so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny_models import tiny_model, tiny_tokenizer
from torch.testing import assert_close

from interp.analyse import analyse
from interp.choices import Choices
from interp.findings import Findings
from models.hooked import hooked

PROMPT = "def __init__(self, x):\n    self.x = x"
CORRUPT = "def __init__(self, y):\n    self.x = x"
D_HEAD = 16


def rows(weight: torch.Tensor) -> torch.Tensor:
    """What projects into the second head."""
    return weight[D_HEAD : 2 * D_HEAD]


def mirrored(attention: Any) -> None:
    """(W_Q, W_V) → −(W_Q, W_V)."""
    rows(attention.q_proj.weight).neg_()
    rows(attention.v_proj.weight).neg_()


def turned(attention: Any) -> None:
    """W_Q → −W_Q."""
    rows(attention.q_proj.weight).neg_()


def rebased(attention: Any) -> None:
    """(W_V, W_O) → (W_V G, G⁻¹ W_O)."""
    torch.manual_seed(1)
    G = torch.eye(D_HEAD) + 0.2 * torch.randn(D_HEAD, D_HEAD)
    rows(attention.v_proj.weight).copy_(G.T @ rows(attention.v_proj.weight))
    columns = attention.o_proj.weight[:, D_HEAD : 2 * D_HEAD]
    columns.copy_(columns @ G.inverse().T)


def rescaled(attention: Any) -> None:
    """(W_Q, W_V) → (2 W_Q, 2⁻³ W_V), with the power 3."""
    rows(attention.q_proj.weight).mul_(2)
    rows(attention.v_proj.weight).mul_(2.0**-3)


CASES: list[tuple[str, Callable[[Any], None]]] = [
    ("cog", mirrored),
    ("polynomial", mirrored),
    ("expressive", turned),
    ("polynomial", rescaled),
    *((variant, rebased) for variant in ("softmax", "cog", "expressive", "polynomial")),
]


def found(variant: str, change: Callable[[Any], None] | None) -> Findings:
    model = tiny_model(variant)
    if change is not None:
        with torch.no_grad():
            change(model.model.layers[1].self_attn)
    return analyse(hooked(model, tiny_tokenizer()), PROMPT, choices=Choices(CORRUPT))


@pytest.mark.parametrize(("variant", "change"), CASES)
def test_every_number_that_a_gauge_changes_is_labelled(variant: str, change: Callable[[Any], None]) -> None:
    before, after = found(variant, None), found(variant, change)
    assert list(before) == list(after)
    moved = {
        f"{name}.{field}"
        for name, result in before.items()
        for field, value in result.tensors().items()
        if field not in result.about.gauge_dependent and differs(value, after[name].tensors()[field])
    }
    assert moved == set()


def differs(one: torch.Tensor, other: torch.Tensor) -> bool:
    """By more than rounding, on the scale of the largest number."""
    size = float(torch.nan_to_num(one.abs().double(), posinf=0.0).max()) if one.numel() else 0.0
    try:
        assert_close(one, other, rtol=1e-3, atol=1e-4 * max(size, 1e-6), equal_nan=True)
    except AssertionError:
        return True
    return False

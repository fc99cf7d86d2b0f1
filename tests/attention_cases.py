"""The cases that every law of attention runs over: the table of variants with the options that each row brings."""

from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.models.attention import VARIANTS, Attention, attend


def cases_of(variant: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The cases that a row of the table brings."""
    return {f"{variant} {words}".strip(): (variant, {**given}) for words, given in VARIANTS[variant].cases.items()}


# The laws below run over all of them.
CASES = {case: row for variant in VARIANTS for case, row in cases_of(variant).items()}
CASES["polynomial learned"] = ("polynomial", {"power": 3, "coefficient": torch.tensor([0.3, 0.5, 0.2, 0.4]).double()})
every_case = pytest.mark.parametrize("case", CASES)


def tensors(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = (torch.randn(*shape, dtype=dtype) for _ in range(3))
    return q, k, v


def run(case: str, q: Tensor, k: Tensor, v: Tensor, **more: Any) -> Attention:
    name, options = CASES[case]
    if name == "selective" and "temperature_q" not in more:
        n = torch.arange(1, k.shape[2] + 1, dtype=torch.float64)
        options = {
            "temperature_q": (1 + 0.5 * n.log())[None, None, -q.shape[2] :].to(q.dtype),
            "temperature_v": (1 + 0.2 * n.log())[None, None].to(q.dtype),
        }
    return attend(name, q, k, v, **{**options, **more})


def pattern_of(case: str, scores: Tensor, **more: Any) -> Float[Tensor, "batch head query key"]:
    """The weights of given scores in each of four heads: queries are the rows, keys the unit vectors."""
    name, options = CASES[case]
    q = scores.expand(1, 4, -1, -1)
    eye = torch.eye(scores.shape[-1], dtype=scores.dtype).expand(1, 4, -1, -1)
    pattern = attend(name, q, eye, eye, scale=1.0, **{**options, **more}).pattern
    assert pattern is not None
    return pattern

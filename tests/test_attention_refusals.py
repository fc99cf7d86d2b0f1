"""What attention refuses, each in one sentence: shapes, scales, options, and names it does not know."""

import inspect
from typing import Any

import pytest
import torch
from attention_cases import CASES, every_case

from headscope.models.attention import attend
from headscope.models.attention.shapes import check_shapes

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "rank": ({"q": torch.zeros(2, 3, 4)}, r"q, k and v are \[batch, head, position, d_head\]; got q \(2, 3, 4\)"),
    "d_head": ({"q": torch.zeros(1, 2, 3, 5)}, "q and k share batch and d_head"),
    "groups": ({"q": torch.zeros(1, 3, 3, 4)}, "query heads are a multiple of key heads; got 3 and 2"),
    "mask shape": ({"mask": torch.ones(4, 4, dtype=torch.bool)}, r"mask broadcasts to .* got \(4, 4\)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_in_a_sentence(what: str) -> None:
    changed, sentence = REFUSED[what]
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match=sentence):
        check_shapes(**{"q": x, "k": x, "v": x, "mask": None, **changed})


@every_case
@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_a_scale_that_is_no_finite_number_is_refused(case: str, scale: float) -> None:
    x = torch.zeros(1, 4, 3, 4)
    with pytest.raises(ValueError, match=f"{CASES[case][0]}: scale is a finite number, got "):
        inspect.unwrap(attend)(CASES[case][0], x, x, x, scale=scale)


@pytest.mark.parametrize("name, option", [("selective", "temperature_q"), ("polynomial", "coefficient")])
def test_an_option_with_entries_that_are_no_finite_numbers_is_refused(name: str, option: str) -> None:
    x, value = torch.zeros(1, 4, 3, 4), torch.ones(1, 1, 3)
    value[0, 0, 1] = torch.nan
    with pytest.raises(ValueError, match=f"{name}: {option} holds finite numbers alone; 1 of its 3 entries are not"):
        attend(name, x, x, x, **{option: value})


def test_more_queries_than_keys_are_refused_under_the_causal_rule() -> None:
    q, x = torch.zeros(1, 2, 5, 4), torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="causal queries are the last of the keys; got 5 queries and 3 keys"):
        attend("softmax", q, x, x)


def test_an_unknown_variant_is_refused_with_the_known_ones() -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(
        ValueError, match="unknown attention 'sofmax'; known: softmax, cog, expressive, selective, poly"
    ):
        attend("sofmax", x, x, x)


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="polynomial: unknown option 'degree'; known: power, coefficient, n_ctx"):
        attend("polynomial", x, x, x, degree=3)


POLYNOMIAL_REFUSED = {
    "polynomial: give coefficient": {},
    "power is a whole number from 1 to 16777216, got 0": {"power": 0, "n_ctx": 4},
    "power is a whole number from 1 to 16777216, got one of 401 digits": {"power": 10**400, "n_ctx": 4},
    "'per_row', got 'per_column'": {"coefficient": "per_column"},
    "'per_row', got nan": {"coefficient": float("nan")},
    "'per_row', got 1000": {"coefficient": 10**400},
    "n_ctx is a whole number from 1, got 1000": {"n_ctx": 10**400},
    "n_ctx is a whole number from 1, got 0": {"n_ctx": 0},
    r"coefficient broadcasts to .* got \(3, 1, 1\)": {"coefficient": torch.ones(3)},
    r"coefficient broadcasts to .* got \(5, 1, 1, 1\)": {"coefficient": torch.ones(5, 1, 1, 1)},
}


@pytest.mark.parametrize("sentence", POLYNOMIAL_REFUSED)
def test_polynomial_refuses_what_it_cannot_compute(sentence: str) -> None:
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match=sentence):
        attend("polynomial", x, x, x, **POLYNOMIAL_REFUSED[sentence])


@pytest.mark.parametrize("shape", [(1, 3, 3), (7, 1, 3), (1, 1, 2), (3,), (1, 0, 3)])
@pytest.mark.parametrize("name", ["temperature_q", "temperature_v"])
def test_a_temperature_that_does_not_fit_is_refused(name: str, shape: tuple[int, ...]) -> None:
    x = torch.zeros(1, 4, 3, 4)
    with pytest.raises(ValueError, match=f"{name} is .batch or 1, head or 1, position. = .*; got "):
        attend("selective", x, x, x, **{name: torch.ones(shape)})

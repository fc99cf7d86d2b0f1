"""Learned temperatures, against values computed by hand."""

import math

import pytest
import torch

from headscope.models.attention import attend
from headscope.models.attention.temperature import Temperature, token_temperature


def gelu(x: float) -> float:
    return 0.5 * x * (1 + math.erf(x / 2**0.5))


def test_the_token_temperature_is_tanh_of_w_times_gelu() -> None:
    got = token_temperature(torch.tensor([[[1.0, -2.0]]]), torch.tensor([0.5, 3.0]))
    torch.testing.assert_close(got, torch.tensor([[math.tanh(0.5 * gelu(1.0) + 3.0 * gelu(-2.0))]]))


def test_a_temperature_is_the_sum_of_its_token_and_its_position() -> None:
    temperature = Temperature(2, "paper", token=True)
    with torch.no_grad():
        temperature.weight.copy_(torch.tensor([0.5, 3.0]))
        temperature.position.fill_(1.0)
    got = temperature(torch.tensor([[[1.0, -2.0], [0.0, 0.0]]]), torch.tensor([[3, 7]]))
    sigmoid = 1 / (1 + math.exp(-1.0))
    first = 1 + sigmoid * math.log(3) + math.tanh(0.5 * gelu(1.0) + 3.0 * gelu(-2.0))
    torch.testing.assert_close(got, torch.tensor([[[first, 1 + sigmoid * math.log(7)]]]))


def test_the_papers_code_uses_position_alone() -> None:
    temperature = Temperature(2, "paper_code", token=False)
    with torch.no_grad():
        temperature.position.fill_(1.5)
    got = temperature(torch.randn(1, 1, 2), torch.tensor([[4]]))
    torch.testing.assert_close(got, torch.tensor([[[1 + math.exp(-math.exp(1.5)) * math.log(4)]]]))


def test_temperatures_stay_in_float32_beside_half_precision_weights() -> None:
    temperature = Temperature(2, "paper", token=True).to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        got = temperature(torch.randn(1, 1, 2).bfloat16(), torch.tensor([[200]]))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, torch.tensor([[[1 + 0.5 * math.log(200)]]]))


@pytest.mark.parametrize("kv_heads", [1, 3, 6])
@pytest.mark.parametrize("mask_heads", [1, 6])
def test_heads_that_are_tempered_in_groups_give_what_the_plain_path_gives(
    kv_heads: int, mask_heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 6, 40, 8), torch.randn(2, kv_heads, 40, 8), torch.randn(2, kv_heads, 40, 5)
    mask = torch.rand(2, mask_heads, 40, 40) < 0.8
    mask |= torch.eye(40, dtype=torch.bool)
    tau = {"temperature_q": 1 + torch.rand(2, 6, 40), "temperature_v": 1 + torch.rand(2, 1, 40)}
    whole = attend("selective", q, k, v, mask=mask, **tau).output
    monkeypatch.setattr("headscope.models.attention.run.LARGE", 0)
    with torch.no_grad():
        grouped = attend("selective", q, k, v, mask=mask, need_pattern=False, **tau).output
    torch.testing.assert_close(grouped, whole, rtol=0, atol=1e-5)

"""Learned temperatures, against values computed by hand."""

import math

import torch

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

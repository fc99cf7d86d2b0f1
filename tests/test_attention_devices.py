"""Attention on other devices: nothing of a forward or backward pass waits for numbers, and half precisions are kept."""

from typing import Any

import pytest
import torch
from attention_cases import CASES, every_case
from torch.overrides import TorchFunctionMode

from headscope.models.attention import attend


class HalfSoftmax(TorchFunctionMode):
    """While it is on, `dtypes` gathers the numbers that torch's own attention is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: set[torch.dtype] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            self.dtypes |= {x.dtype for x in args}
        return func(*args, **(kwargs or {}))


@every_case
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("need_pattern", [True, False])
def test_no_pass_waits_for_the_numbers_of_a_device(case: str, masked: bool, need_pattern: bool) -> None:
    name, options = CASES[case]
    of_device = {key: x.to("meta") if isinstance(x, torch.Tensor) else x for key, x in options.items()}
    if name == "selective":
        tau = torch.ones(1, 1, 16, device="meta")
        of_device = {"temperature_q": tau, "temperature_v": tau}
    # A tensor of the device "meta" has no numbers: whoever looks at one is refused.
    q, (k, v) = torch.empty(1, 4, 16, 8, device="meta"), torch.empty(2, 1, 2, 16, 8, device="meta")
    leaves = [x.bfloat16().requires_grad_() for x in (q, k, v)]
    mask = torch.ones(16, 16, dtype=torch.bool, device="meta") if masked else None
    output = attend(name, *leaves, mask=mask, need_pattern=need_pattern, **of_device).output
    gradients = torch.autograd.grad(output.sum(), leaves)
    assert output.dtype == torch.bfloat16 and [g.shape for g in gradients] == [x.shape for x in leaves]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["softmax", "selective"])
def test_torchs_own_attention_is_called_with_the_numbers_of_the_model(name: str, dtype: torch.dtype) -> None:
    q, k, v = torch.empty(3, 1, 2, 16, 8, dtype=dtype, device="meta")
    taus = dict.fromkeys(("temperature_q", "temperature_v"), torch.empty(1, 1, 16, device="meta"))
    tau = taus if name == "selective" else {}
    with HalfSoftmax() as seen:
        assert attend(name, q, k, v, need_pattern=False, **tau).output.dtype == dtype
    assert seen.dtypes == {dtype}

"""One pass in Triton's interpreter beside the plain form and the strips: relative differences, as JSON, by case.

    TRITON_INTERPRET=1 python tests/triton_cases.py

A program of its own, since Triton reads what it is asked for when it is imported.
"""

import json
import sys
from functools import cache

import torch
from torch import Tensor

from headscope.models.attention import VARIANTS, attend
from headscope.models.attention.fused.block_shapes import HIGHEST_POWER
from headscope.models.attention.fused.score_rule import ScoreRule
from headscope.models.attention.fused.tiled import tiled_attention
from headscope.models.attention.fused.triton_attention import triton_attention
from headscope.models.attention.run import Inputs, attention_of
from headscope.models.attention.variant import PreparedInputs

N_QUERY, N_KEY = 20, 37
POWERS = {f"polynomial {power}": {"power": power, "coefficient": 1.0} for power in range(1, HIGHEST_POWER + 1)}
RECTIFIED = {f"relu {power}": {"power": power, "n_ctx": 1} for power in (1, 2)}
CASES = {"softmax": {}, "cog": {}, "expressive": {}, **POWERS, **RECTIFIED}
FEW = ("causal", "dead rows", "soft cap")  # what the others are tried with, and the powers that differ in one factor
FEWER = ("dead rows",)


def masks() -> dict[str, Tensor]:
    """Padding on the left, a sliding window, and rows that see nothing."""
    key, query = torch.arange(N_KEY), torch.arange(N_QUERY)[:, None] + N_KEY - N_QUERY
    some = torch.rand(2, 1, N_QUERY, N_KEY) > 0.3
    some[0, :, 5] = False
    return {
        "padding": (key >= torch.tensor([[0], [9]]))[:, None, None],
        "window": query - key < 7,
        "dead rows": some,
    }


@cache
def rules() -> dict[str, ScoreRule]:
    """What hides keys and bounds scores."""
    masked = {name: ScoreRule(mask, True, 0.7) for name, mask in masks().items()}
    return {
        "causal": ScoreRule(None, True, 0.7),
        "none": ScoreRule(None, False, -0.7),
        "mask alone": ScoreRule(masks()["dead rows"], False, 0.7),
        "soft cap": ScoreRule(None, True, 0.7, soft_cap=1.5),
        **masked,
    }


def leaves(dtype: torch.dtype, n_head: int = 2) -> list[Tensor]:
    """Queries, and half as many heads of keys and values; scores of exactly 0 among them."""
    q = torch.randn(2, n_head, N_QUERY, 12)
    k, v = torch.randn(2, n_head // 2, N_KEY, 12), torch.randn(2, n_head // 2, N_KEY, 9)
    q[:, :, ::7], k[:, :, ::5] = 0.0, 0.0
    return [x.to(dtype).requires_grad_() for x in (q, k, v)]


def difference(a: Tensor, b: Tensor) -> float:
    """‖a − b‖ / ‖b‖."""
    return float((a.detach().double() - b.detach().double()).norm() / b.detach().double().norm())


def with_gradients(output: Tensor, direction: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """An output, and its gradients in a direction."""
    return output, *torch.autograd.grad(output, inputs, direction.to(output.dtype))


def differences(case: str, rule: ScoreRule) -> dict[str, list[float]]:
    """Of output and gradients from the form with a pattern, and from that by strips."""
    variant, options, inputs = VARIANTS[case.split()[0]], CASES[case], leaves(torch.float32)
    kernel = variant.kernel_options(options)
    element = variant.element(kernel)
    assert element is not None
    given = Inputs(*inputs, rule.mask, rule.causal, rule.scale, rule.soft_cap)
    k, v = (x.repeat_interleave(2, 1) for x in inputs[1:])
    outputs = {
        "in one pass": triton_attention(*inputs, element, rule),
        "plain": attention_of(variant, given, options, need_pattern=True).output,
        "strips": tiled_attention(variant, PreparedInputs(inputs[0], v, kernel), k, rule),
    }
    direction = torch.randn_like(outputs["plain"])
    mine, *others = (with_gradients(output, direction, inputs) for output in outputs.values())
    pairs = zip(("plain", "strips"), others, strict=True)
    return {name: [difference(a, b) for a, b in zip(mine, theirs, strict=True)] for name, theirs in pairs}


def differences_of_a_sink(rule: ScoreRule) -> dict[str, list[float]]:
    """The same of softmax with a sink, which is softmax in one pass and the sums of its rows; of its biases too."""
    inputs, bias = leaves(torch.float32), torch.tensor([0.5, -1.0], requires_grad=True)
    given = Inputs(*inputs, rule.mask, rule.causal, rule.scale, rule.soft_cap)
    one_pass, plain = (attention_of(VARIANTS["sink"], given, {"bias": bias}, need).output for need in (False, True))
    direction = plain.detach()  # of which no part of the gradient of a bias cancels another
    mine, theirs = (with_gradients(output, direction, [*inputs, bias]) for output in (one_pass, plain))
    return {"plain": [difference(a, b) for a, b in zip(mine, theirs, strict=True)], "strips": [0.0]}


def error_of_half(case: str, dtype: torch.dtype) -> float:
    """How far a half precision is from float64, over twice what torch's own softmax is on the same tensors."""
    variant, options, inputs = VARIANTS[case.split()[0]], CASES[case], [x.detach() for x in leaves(dtype)]
    wide = [x.double() for x in inputs]
    element, rule = variant.element(variant.kernel_options(options)), ScoreRule(None, True, 0.7)
    assert element is not None
    exact = attend(variant.name, *wide, scale=rule.scale, **options).output
    softmax, exact_softmax = (
        attend("softmax", *x, scale=rule.scale, need_pattern=need).output for x, need in ((inputs, False), (wide, True))
    )
    error = difference(triton_attention(*inputs, element, rule), exact)
    return error / (2 * difference(softmax, exact_softmax) + 1e-5)


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tried = {"cog": tuple(rules()), **dict.fromkeys((*POWERS, *RECTIFIED), FEWER), "polynomial 3": FEW}
    exact = {f"{case}, {name}": differences(case, rules()[name]) for case in CASES for name in tried.get(case, FEW)}
    exact |= {f"sink, {name}": differences_of_a_sink(rules()[name]) for name in FEW}
    halves = {
        f"{case}, {dtype}": error_of_half(case, dtype)
        for case in ("softmax", "cog", "expressive", "polynomial 3")
        for dtype in (torch.bfloat16, torch.float16)
    }
    json.dump({"exact": exact, "half": halves}, sys.stdout)


if __name__ == "__main__":
    main()

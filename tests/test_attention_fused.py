"""The fused path and the closed gradients, over the table of variants: equal to the plain path and its gradients."""

from dataclasses import replace

import pytest
import torch
from attention_cases import CASES, every_case, run, tensors

from headscope.models.attention import VARIANTS, attend
from headscope.models.attention.fused import blocks as blocks_module
from headscope.models.attention.fused import blockwise as blockwise_module
from headscope.models.attention.fused import tiled as tiled_module
from headscope.models.attention.run import Inputs, attention_of


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks and strips so small that a short prompt has many."""
    monkeypatch.setattr(tiled_module, "STRIP_ROWS", 4)
    monkeypatch.setattr(tiled_module, "TILE_ELEMENTS", 130)
    sizes = {"BLOCK_ROWS": 4, "LONG_ROWS": 4, "BLOCK_KEYS": 3, "BLOCK_ELEMENTS": 36}
    for name, size in sizes.items():
        monkeypatch.setattr(blocks_module, name, size)


@every_case
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("visibility", ["causal", "mask", "both"])
def test_the_fused_path_equals_the_plain_one_in_value_and_gradient(case: str, visibility: str) -> None:
    q, (k, v) = torch.randn(2, 4, 9, 8).double(), torch.randn(2, 2, 2, 11, 8).double()
    mask = torch.rand(2, 1, 9, 11) > 0.3
    mask[0, :, 5] = False
    leaves = [x.requires_grad_() for x in (q, k, v)]
    more = {"mask": None if visibility == "causal" else mask, "causal": visibility != "mask"}
    plain, fused = run(case, *leaves, **more), run(case, *leaves, **more, need_pattern=False)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(fused.output, plain.output)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction), torch.autograd.grad(plain.output, leaves, direction)
    )


@every_case
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("gain", [1e-25, 1e-9, 30.0, 1e4])
def test_the_fused_path_equals_the_plain_one_at_any_gain(case: str, gain: float) -> None:
    leaves = [x.requires_grad_() for x in tensors(1, 4, 9, 8)]
    more = {"scale": gain, "mask": torch.rand(9, 9) > 0.2}
    plain, fused = run(case, *leaves, **more), run(case, *leaves, **more, need_pattern=False)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(fused.output, plain.output, atol=0, rtol=1e-9)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction),
        torch.autograd.grad(plain.output, leaves, direction),
        atol=1e-14 * max(gain, 1.0),
        rtol=1e-9,
    )


@every_case
@pytest.mark.usefixtures("small_blocks")
def test_a_score_of_exactly_zero_weighs_without_a_pattern_what_it_weighs_with_one(case: str) -> None:
    q, k, v = tensors(1, 4, 9, 8)
    q[:, :, ::2] = 0.0
    k[:, :, ::3] = 0.0
    leaves = [x.requires_grad_() for x in (q, k, v)]
    plain, fused = run(case, *leaves), run(case, *leaves, need_pattern=False)
    torch.testing.assert_close(fused.output, plain.output)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction), torch.autograd.grad(plain.output, leaves, direction)
    )


@every_case
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("hidden", ["window", "padding", "everything"])
def test_blocks_that_a_mask_hides_are_passed_over(case: str, hidden: str) -> None:
    q, k, v = tensors(2, 4, 9, 8)
    place = torch.arange(9)
    mask = {
        "window": (place[:, None] - place < 3),
        "padding": (place >= torch.tensor([[0], [5]]))[:, None, None],
        "everything": torch.zeros(9, 9, dtype=torch.bool),
    }[hidden]
    plain, fused = run(case, q, k, v, mask=mask), run(case, q, k, v, mask=mask, need_pattern=False)
    torch.testing.assert_close(fused.output, plain.output)


@every_case
def test_an_entry_of_a_batch_is_no_matter_of_the_others(case: str) -> None:
    q, k, v = tensors(2, 4, 16, 8, dtype=torch.float32)  # whole vectors of any machine: a tail may round otherwise
    more = {"coefficient": 0.25} if case == "polynomial learned" else {}
    q[1] *= 1e3
    alone = run(case, q[:1], k[:1], v[:1], need_pattern=False, **more)
    assert torch.equal(run(case, q, k, v, need_pattern=False, **more).output[:1], alone.output)


@every_case
@pytest.mark.parametrize("scale", [-0.7, 0.0, 3.0])
@pytest.mark.parametrize("visibility", ["causal", "mask", "none"])
def test_the_fused_path_equals_the_plain_one_at_any_scale(case: str, scale: float, visibility: str) -> None:
    leaves = [x.requires_grad_() for x in tensors(1, 4, 6, 8)]
    mask = torch.ones(6, 6, dtype=torch.bool).tril() if visibility == "mask" else None
    more = {"scale": scale, "mask": mask, "causal": visibility == "causal"}
    plain, fused = run(case, *leaves, **more), run(case, *leaves, **more, need_pattern=False)
    direction = torch.randn_like(plain.output)
    torch.testing.assert_close(fused.output, plain.output)
    torch.testing.assert_close(
        torch.autograd.grad(fused.output, leaves, direction), torch.autograd.grad(plain.output, leaves, direction)
    )


@every_case
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("by", ["blocks", "strips"])
def test_a_soft_cap_inside_of_a_block_is_that_of_the_scores(
    case: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "strips":
        monkeypatch.setattr(blockwise_module, "output_by_blocks", lambda *call: None)
    name, options = CASES[case]
    mask = torch.rand(1, 1, 9, 9) > 0.2
    leaves = [x.requires_grad_() for x in tensors(1, 4, 9, 8)]
    given = Inputs(*leaves, mask, True, 2.0, soft_cap=1.5)
    plain, fused = (attention_of(VARIANTS[name], given, options, need).output for need in (True, False))
    uncapped = attention_of(VARIANTS[name], replace(given, soft_cap=None), options, True).output
    direction = torch.randn_like(plain)
    torch.testing.assert_close(fused, plain)
    torch.testing.assert_close(
        torch.autograd.grad(fused, leaves, direction), torch.autograd.grad(plain, leaves, direction)
    )
    assert not torch.allclose(uncapped, plain)


@pytest.mark.parametrize("need_pattern", [True, False])
def test_each_group_of_heads_has_the_temperature_of_its_own_key_head(need_pattern: bool) -> None:
    q, (k, v) = torch.randn(2, 6, 5, 8).double(), torch.randn(2, 2, 3, 5, 8).double()
    tau_q, tau_v = torch.rand(2, 2, 3, 5).double() + 0.5
    more = {"need_pattern": need_pattern}
    together = attend("selective", q, k, v, temperature_q=tau_q, temperature_v=tau_v, **more).output
    for head in range(3):
        own, group = slice(head, head + 1), slice(2 * head, 2 * head + 2)
        taus = {"temperature_q": tau_q[:, own], "temperature_v": tau_v[:, own]}
        alone = attend("selective", q[:, group], k[:, own], v[:, own], **taus, **more).output
        torch.testing.assert_close(together[:, group], alone)


LEARNED = [case for case, (_, options) in CASES.items() if any(isinstance(x, torch.Tensor) for x in options.values())]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("case", LEARNED)
@pytest.mark.parametrize("soft_cap", [None, 1.5])
def test_what_a_head_learns_has_its_gradient_without_a_pattern_too(case: str, soft_cap: float | None) -> None:
    name, options = CASES[case]
    learned = {key: x.double().requires_grad_() for key, x in options.items() if isinstance(x, torch.Tensor)}
    given = Inputs(
        *(x.requires_grad_() for x in tensors(2, 4, 9, 8)), torch.rand(2, 1, 9, 9) > 0.2, True, 0.7, soft_cap
    )
    leaves = [given.q, given.k, given.v, *learned.values()]
    outputs = [attention_of(VARIANTS[name], given, {**options, **learned}, need).output for need in (True, False)]
    plain, fused = (torch.autograd.grad(output.square().sum(), leaves) for output in outputs)
    torch.testing.assert_close(fused, plain)
    assert all(gradient.abs().min() > 0 for gradient in plain[3:])


@every_case
def test_the_closed_form_gradient_is_the_numerical_one(case: str) -> None:
    name, options = CASES[case]
    scores = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    scores = (scores.sign() * (scores.abs() + 0.1)).requires_grad_()  # away from the jump of cog at 0
    visible = torch.ones(5, 5, dtype=torch.bool).tril()[None, None]
    q = v = torch.zeros(1, 4, 5, 2, dtype=torch.float64)
    kernel = VARIANTS[name].prepare(q, v, **options).kernel
    assert torch.autograd.gradcheck(lambda s: VARIANTS[name].weigh(s, visible, **kernel), (scores,))
    pattern = VARIANTS[name].weigh(scores, visible, **kernel)
    direction = torch.randn_like(pattern)
    closed = VARIANTS[name].pullback(scores, visible, pattern, direction, **kernel)
    torch.testing.assert_close(closed, torch.autograd.grad(pattern, scores, direction)[0])


@pytest.mark.parametrize("case", ["cog", "expressive", "polynomial 3"])
def test_a_second_derivative_of_the_fused_path_is_refused_not_wrong(case: str) -> None:
    q, k, v = (x.requires_grad_() for x in tensors(1, 4, 5, 8))
    (first,) = torch.autograd.grad(run(case, q, k, v).output.sum(), q, create_graph=True)
    assert torch.autograd.grad(first.sum(), q)[0].abs().sum() > 0
    with pytest.raises(RuntimeError, match="first derivatives only; ask with need_pattern=True"):
        torch.autograd.grad(run(case, q, k, v, need_pattern=False).output.sum(), q, create_graph=True)

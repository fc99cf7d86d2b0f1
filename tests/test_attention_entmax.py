"""α-entmax beside the library of its authors: weights, and gradients of scores and of α."""

import entmax
import pytest
import torch
from torch import Tensor

from headscope import AttentionSpec
from headscope.models.attention import VARIANTS

ROW = VARIANTS["entmax"]
VISIBLE = torch.ones(1, 1, 6, 40, dtype=torch.bool)


def scores_of(spread: float) -> Tensor:
    return (torch.randn(1, 4, 6, 40, dtype=torch.float64) * spread).requires_grad_()


def agree(ours: Tensor, theirs: Tensor, leaves: list[Tensor]) -> None:
    """The same weights with the same zeros, and the same gradients."""
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)
    direction = torch.randn_like(theirs)
    gradients = (torch.autograd.grad(weights, leaves, direction) for weights in (ours, theirs))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0])
@pytest.mark.parametrize(("alpha", "library"), [(1.5, entmax.entmax15), (2.0, entmax.sparsemax)])
def test_weights_by_sorting_are_the_librarys_with_its_gradients(alpha: float, library: object, spread: float) -> None:
    scores = scores_of(spread)
    ours = ROW.weigh(scores, VISIBLE, alpha=alpha)
    agree(ours, library(scores, dim=-1), [scores])
    assert 0 < (ours == 0).double().mean() < 1


@pytest.mark.parametrize("spread", [0.1, 1.0, 30.0])
def test_weights_by_bisection_are_the_librarys_with_the_gradient_of_each_heads_alpha(spread: float) -> None:
    scores, alpha = scores_of(spread), torch.tensor([1.2, 1.5, 1.8, 2.3], dtype=torch.float64)[:, None, None]
    alpha = alpha.requires_grad_()
    theirs = entmax.entmax_bisect(scores, alpha.expand(1, 4, 6, 1), dim=-1, n_iter=80)
    agree(ROW.weigh(scores, VISIBLE, alpha=alpha), theirs, [scores, alpha])


def test_the_gradient_of_alpha_is_the_numerical_one() -> None:
    scores, logit = scores_of(1.0), torch.tensor([-1.0, 0.0, 1.0, 2.0], dtype=torch.float64).requires_grad_()

    def weights(logit: Tensor) -> Tensor:
        return ROW.weigh(scores.detach(), VISIBLE, **ROW.kernel_options({"alpha_logit": logit}))

    assert torch.autograd.gradcheck(weights, (logit,))


def test_alpha_near_one_is_softmax() -> None:
    scores = scores_of(1.0)
    torch.testing.assert_close(ROW.weigh(scores, VISIBLE, alpha=1.0001), scores.softmax(-1), rtol=2e-2, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        *(
            ({"alpha": alpha}, "alpha is a finite number above 1, got")
            for alpha in (1.0, 0.5, float("nan"), True, "1.5")
        ),
        ({"alpha": 2.5, "learned": True}, "a learned alpha starts between 1 and 2"),
    ],
)
def test_an_alpha_of_no_entmax_is_refused(options: dict[str, object], refusal: str) -> None:
    with pytest.raises(ValueError, match=f"entmax: .*{refusal}"):
        AttentionSpec("entmax", **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_learned_alpha_that_has_gone_to_one_is_softmax(dtype: torch.dtype) -> None:
    scores = scores_of(1.0).detach().float()
    kernel = ROW.kernel_options({"alpha_logit": torch.full((4,), -20.0, dtype=dtype)})
    torch.testing.assert_close(ROW.weigh(scores, VISIBLE, **kernel), scores.softmax(-1), rtol=0.02, atol=1e-3)

"""A still start: what an attention adds begins with next to no effect, and learns from there."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from headscope.interp.experiments.e7_language.budget_models import BASE, SIZES, STILL, budget_recipe
from headscope.models.training.beginning import untrained_beginning
from headscope.models.training.recipe import Recipe

ALL_OF_CONTEXT = torch.arange(1, 129)[None]


def fresh(arm: str, **attention: object) -> Any:
    """The untrained model of an arm of E7 at its smallest size, perhaps with other options."""
    recipe = budget_recipe(arm, 4, 0, SIZES["smoke"])
    return model_of(replace(recipe, attention={**recipe.attention, **({"options": attention} if attention else {})}))


def model_of(recipe: Recipe) -> Any:
    """The model of a recipe before its first step."""
    return untrained_beginning(recipe).model().eval()


@torch.no_grad()
def logits(model: Any) -> Tensor:
    """Logits of some random ids."""
    ids = torch.randint(300, (4, 64), generator=torch.Generator().manual_seed(0))
    return model(input_ids=ids).logits


def test_a_start_without_a_positional_part_is_softmax() -> None:
    torch.testing.assert_close(logits(fresh(STILL, position="none")), logits(fresh(BASE)), rtol=0, atol=1e-5)


def test_a_still_start_is_nearly_softmax_where_the_shipped_one_is_far_from_it() -> None:
    softmax = logits(fresh(BASE))
    still, shipped = ((logits(fresh(arm)) - softmax).norm() / softmax.norm() for arm in (STILL, "selective"))
    assert still < 2e-3 and shipped > 0.1


def test_still_temperatures_are_within_those_that_the_paper_starts_from_and_learn() -> None:
    recipe = budget_recipe(STILL, 4, 0, SIZES["smoke"])
    model = model_of(recipe)
    parts: list[Any] = [
        part for name, part in model.named_modules() if name.rsplit(".", 1)[-1].startswith("temperature_")
    ]
    width = recipe.model["hidden_size"]
    with torch.no_grad():
        taus = [part(torch.zeros(1, 128, width), ALL_OF_CONTEXT) for part in parts]
    assert len(parts) == 2 * recipe.model["num_hidden_layers"]
    assert all(tau.min() >= 1 and tau.max() < 1.013 for tau in taus)
    model(input_ids=torch.arange(64)[None]).logits.square().sum().backward()
    assert all(part.position.grad.abs() > 0 for part in parts)


@pytest.mark.parametrize("arm", ["softmax", "cog", "polynomial"])
def test_where_an_attention_adds_nothing_a_still_start_is_its_own(arm: str) -> None:
    recipe = budget_recipe(arm, 4, 0, SIZES["smoke"])
    torch.testing.assert_close(logits(model_of(replace(recipe, still=True))), logits(model_of(recipe)), rtol=0, atol=0)

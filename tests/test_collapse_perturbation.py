"""The spread of one token's change: residuals by hand, models that see no future, and models beside each other."""

from dataclasses import replace

import pytest
import torch
from tiny_decoders import CONFIGS, attached
from tiny_models import hooked_tiny
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.collapse.tokens.perturbation import (
    PerturbationSpread,
    drawn_text,
    perturbation_spread,
    spread_of_streams,
)
from headscope.interp.collapse.tokens.spread_comparison import spread_comparison
from headscope.interp.collapse.tokens.token_streams import token_streams
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.hooked import hooked

IDS = (5, 17, 9, 40, 9, 23)
PROMPT = PromptTokens(IDS, tuple(map(str, IDS)))
AFTER_SECOND = torch.arange(4) > 1


def known_streams() -> tuple[Tensor, Tensor, Tensor]:
    """Four tokens at two depths: the second changes, and half of that reaches the last at the second depth."""
    stream = torch.zeros(2, 4, 3)
    changed, unrelated = torch.zeros(1, 2, 4, 3), torch.zeros(2, 2, 4, 3)
    changed[..., 1, 0] = 4.0
    changed[0, 1, 3, 0] = 1.0
    unrelated[..., 1:, 0] = 4.0
    unrelated[0, 1, 3, 0], unrelated[1, 1, 3, 0] = 1.0, 3.0
    return stream, changed, unrelated


def test_a_change_is_measured_by_what_unrelated_texts_are_apart() -> None:
    found = spread_of_streams(*known_streams(), (1, AFTER_SECOND), [*"abcd"])
    assert found.relative.tolist() == [[0, 1, 0, 0], [0, 1, 0, 0.5]]
    assert found.reach.tolist() == [0, 0.25]
    assert (found.distance_null[1, 3], found.distance_null_spread[1, 3]) == (2.0, 1.0)


@pytest.mark.parametrize("family", CONFIGS)
def test_no_token_before_the_place_feels_the_change_and_every_later_one_does(family: str) -> None:
    found = perturbation_spread(hooked(attached(family, "cog")), PROMPT, 2)
    assert not found.distance[:, :2].any() and bool((found.distance[0, 3:] == 0).all())
    assert bool((found.distance[:, 2] > 0).all()) and bool((found.distance[-1, 3:] > 0).all())
    assert found.position == 2 and found.reach.isfinite().all()


def test_the_residuals_of_all_tokens_are_those_of_the_hooks() -> None:
    model = hooked_tiny("polynomial")
    _, cache = model.run_with_cache(torch.tensor([IDS]))
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(3))]
    assert_close(token_streams(model, [IDS])[0], torch.stack([cache[name][0] for name in names]), atol=1e-5, rtol=1e-5)


def test_the_changed_token_is_another_and_the_rest_stays() -> None:
    where, dice = torch.arange(6) == 3, torch.Generator().manual_seed(0)
    for _ in range(9):
        text = drawn_text(hooked_tiny("cog"), IDS, where, dice)
        assert text[3] != IDS[3] and (*text[:3], *text[4:]) == (*IDS[:3], *IDS[4:])


@pytest.mark.parametrize(("position", "samples"), [(6, 1), (-1, 1), (2, 0)])
def test_a_place_outside_of_the_prompt_is_refused(position: int, samples: int) -> None:
    with pytest.raises(ValueError, match="the prompt has the positions 0 to 5"):
        perturbation_spread(hooked_tiny("cog"), PROMPT, position, samples=samples)


def test_the_figure_names_the_changed_token() -> None:
    figure = spread_of_streams(*known_streams(), (1, AFTER_SECOND), [*"a<cd"]).figure()
    assert figure.layout.xaxis.title.text == "changed: &lt; at 1"
    assert figure.data[0].z[1].tolist() == [0, 1, 0, 0.5] and figure.data[1].visible is False


def known_spread() -> PerturbationSpread:
    return spread_of_streams(*known_streams(), (1, AFTER_SECOND))


def test_models_of_other_depths_stand_beside_each_other() -> None:
    streams = (torch.cat([stream, stream[..., -1:, :, :]], -3) for stream in known_streams())
    deep = spread_of_streams(*streams, (1, AFTER_SECOND))
    found = spread_comparison({"shallow": known_spread(), "deep": deep})
    assert_close(found.reach, torch.tensor([[0.0, 0.25, torch.nan], [0.0, 0.25, 0.25]]), equal_nan=True)
    shallow, deeper = found.figure().data
    assert (shallow.x.tolist(), deeper.x.tolist()) == ([0, 1], [0, 0.5, 1])
    assert (shallow.y.tolist(), deeper.y.tolist()) == ([0, 0.25], [0, 0.25, 0.25])


def test_changes_in_different_places_are_not_compared() -> None:
    with pytest.raises(ValueError, match="changed at 1, 2"):
        spread_comparison({"one": known_spread(), "other": replace(known_spread(), position=2)})
    with pytest.raises(ValueError, match="no spread was given"):
        spread_comparison({})

"""The null of an edit: the same edit at other heads."""

import torch
from tiny_models import hooked_tiny

from headscope.interp.interventions.effect import intervene
from headscope.interp.interventions.elsewhere import loss_elsewhere, other_places
from headscope.interp.interventions.intervention import Intervention
from headscope.interp.reading.prompt_tokens import PromptTokens

TOKENS = PromptTokens((5, 9, 2, 7, 5, 9), tuple("abcdef"))


def test_every_other_head_is_a_place_and_none_comes_twice() -> None:
    edits = (Intervention("flip", 1, 0), Intervention("zero", 1, 1, query=3))
    places = other_places(edits, [0, 1, 3], 2)
    assert len(places) == len({*places}) == 5 and edits not in places
    assert all(second.query == 3 and second.layer == first.layer for first, second in places)


def test_a_layer_moves_to_other_layers_alone() -> None:
    assert {edit.layer for [edit] in other_places([Intervention("flip", 1)], [0, 1, 3], 4)} == {0, 3}


def test_the_null_is_what_the_edit_does_elsewhere() -> None:
    model = hooked_tiny("cog")
    edits = [Intervention("zero", 0, 0)]
    places = other_places(edits, range(model.cfg.n_layers), model.cfg.n_heads)
    plain = torch.tensor([float(intervene(model, TOKENS, moved).loss_change.nanmean()) for moved in places])
    null = loss_elsewhere(model, TOKENS, edits, samples=len(places))
    assert null.places == len(places)
    torch.testing.assert_close(
        torch.tensor([null.mean, null.spread]), torch.stack([plain.mean(), plain.std(correction=0)])
    )

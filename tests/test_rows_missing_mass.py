"""What goes into nothing: by hand, beside its null, in the map, and refused where rows sum to one."""

from typing import Any

import pytest
import torch
from tiny_decoders import attached, tiny_decoder
from torch.testing import assert_close

from headscope import AttentionSpec, analyse, attach
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_pattern import head_pattern
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.rows.missing_mass import MissingMass, missing_mass
from headscope.models.hooked import hooked

IDS = (5, 17, 9, 5, 88)
PROMPT = PromptTokens(IDS, tuple(f"<{i}>" for i in IDS))


def model_of(name: str) -> Any:
    return hooked(attached("llama", name))


def test_it_is_what_the_weights_leave_of_one() -> None:
    model = model_of("sink")
    _, cache = model.run_with_cache(torch.tensor([IDS]))
    found = missing_mass(model, PROMPT)
    for layer in range(3):
        left = 1 - cache[f"blocks.{layer}.attn.hook_pattern"][0].sum(-1)
        assert_close(found.by_query[layer], left)
        assert_close(found.mass[layer], left.mean(-1))
    assert ((found.mass > 0) & (found.mass < 1)).all()


def test_the_null_is_a_row_that_finds_all_tokens_alike() -> None:
    model = model_of("sink off by one")
    _, cache = model.run_with_cache(torch.tensor([IDS]))
    scores, seen = cache["blocks.1.attn.hook_attn_scores"][0, 2], torch.ones(5, 5).tril().bool()
    mean = torch.stack([row[mask].mean() for row, mask in zip(scores, seen, strict=True)])
    n = torch.arange(1, 6)
    assert_close(missing_mass(model, PROMPT).mass_null[1, 2], (1 / (1 + n * mean.exp())).mean())


def test_entropy_with_nothing_counts_it_as_one_outcome_more() -> None:
    model = model_of("sink")
    _, cache = model.run_with_cache(torch.tensor([IDS]))
    rows = cache["blocks.0.attn.hook_pattern"][0, 1]
    whole = torch.cat([rows, 1 - rows.sum(-1, keepdim=True)], -1)
    found = missing_mass(model, PROMPT)
    assert_close(found.entropy_with_nothing[0, 1], torch.special.entr(whole).sum(-1).mean())
    shares = rows / rows.sum(-1, keepdim=True)
    assert_close(found.entropy[0, 1], torch.special.entr(shares).sum(-1).mean())


def test_the_map_has_a_column_for_it() -> None:
    model = model_of("sink")
    shown = head_pattern(attention_run(model, PROMPT), model_facts(model), 1, 2)
    assert shown.nothing is not None
    assert_close(shown.nothing, 1 - shown.pattern.nansum(-1))
    [cells] = shown.figure().data
    assert cells.z.shape == (5, 6)
    plain = model_of("cog")
    assert head_pattern(attention_run(plain, PROMPT), model_facts(plain), 1, 2).nothing is None


def test_it_is_an_analysis_of_such_models_alone() -> None:
    found = analyse(model_of("sink"), [PROMPT], ["missing_mass"])["missing_mass"]
    assert isinstance(found, MissingMass) and found.figure().data
    with pytest.raises(ValueError, match="no layer of this model has rows that may sum to less than 1"):
        analyse(model_of("softmax"), [PROMPT], ["missing_mass"])
    with pytest.raises(ValueError, match="this model has none such"):
        missing_mass(model_of("cog"), PROMPT)


def test_layers_of_another_law_are_left_out_whatever_their_weights_are_made_of() -> None:
    parts = [AttentionSpec("sink", layers=[0]), AttentionSpec("forgetting", layers=[1])]
    found = missing_mass(hooked(attach(tiny_decoder("llama"), parts)), PROMPT)
    assert found.mass[1:].isnan().all() and found.entropy_with_nothing[1:].isnan().all()
    assert (found.mass[0] > 0).all()

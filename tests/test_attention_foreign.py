"""A stranger's variant is one file and one row: everything runs with it, and every law over the table holds for it."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_app_views
import test_attention_fused
import test_attention_precision
import test_attention_refusals
import test_attention_visibility
import test_attention_weights
import test_attribution_parts
import test_attribution_paths
import test_checkpoints_round_trip
import test_collapse_curves
import test_collapse_squashing
import test_deletion
import test_geometry
import test_hooked
import test_hooked_weights
import test_hosts_attachment
import test_interventions
import test_interventions_suppression
import test_interventions_sweep
import test_rows
import test_rows_models
import torch
from foreign_variant import NAME, SPECS, Law, added_to_the_table, laws
from test_app_command import headscope
from test_rows import queries_and_keys
from tiny_decoders import attached, random_ids, tiny_decoder
from tiny_models import tiny_folder, tiny_model, tiny_tokenizer

from headscope import AttentionSpec, analyse, attach, attend, load, save
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.size import Size
from headscope.interp.results.gauges import kernel_gauges
from headscope.interp.rows.probes import pullbacks
from headscope.models.attention import VARIANTS
from headscope.models.attention.layer_shape import LayerShape
from headscope.models.attention.temperature import TEMPERATURES, Temperature
from headscope.models.attention.variant import Variant
from headscope.models.hooked import hooked
from headscope.models.hosts.attention_layer import AttentionLayer, refuse_lost_parts

MODULES = (
    test_attention_fused,
    test_attention_precision,
    test_attention_refusals,
    test_attention_visibility,
    test_attention_weights,
    test_rows,
    test_hosts_attachment,
    test_hooked,
    test_hooked_weights,
    test_checkpoints_round_trip,
    test_rows_models,
    test_attribution_parts,
    test_collapse_curves,
    test_deletion,
    test_geometry,
    test_interventions,
    test_attribution_paths,
    test_collapse_squashing,
    test_interventions_suppression,
    test_interventions_sweep,
    test_app_views,
)
SLOW = ("test_a_long_prompt_of_a_model_needs_no_pattern",)  # without a closed form a pullback per key
LAWS = [
    pytest.param(law, id=f"{law.module.__name__}.{law.name}", marks=[pytest.mark.slow] if law.name in SLOW else [])
    for module in MODULES
    for law in laws(module)
]
PROMPT = "def __init__(self, x):\n    self.x = x"


@pytest.fixture(autouse=True, scope="module")
def softplus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with added_to_the_table(tmp_path_factory.mktemp("foreign")):
        yield


def learning() -> AttentionSpec:
    """Its spec with a learned bias."""
    return AttentionSpec(NAME, shift=-1.0, learned=True)


@pytest.mark.usefixtures("no_page_waits")
@pytest.mark.parametrize("law", LAWS)
def test_a_law_of_the_table_holds(
    law: Law, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    test = getattr(law.module, law.name)
    for arguments in law.calls():
        missing = set(inspect.signature(test).parameters) - {*arguments}
        fixtures = {name: request.getfixturevalue(name) for name in missing - {"tmp_path"}}
        if "tmp_path" in missing:
            fixtures["tmp_path"] = tmp_path_factory.mktemp("law")
        test(**arguments, **fixtures)


def test_a_plain_option_changes_the_logits() -> None:
    ids = random_ids()
    zero, other = (attach(tiny_decoder("llama"), AttentionSpec(NAME, shift=shift))(ids).logits for shift in (0.0, 50.0))
    assert (zero - other).abs().max() > 1e-2


def test_an_option_of_attend_is_that_of_the_layer() -> None:
    model = attach(tiny_decoder("llama"), AttentionSpec(NAME, shift=-2.0))
    layer, (q, k) = model.model.layers[0].self_attn.variant, queries_and_keys(1, 4, 9)
    run = attend(NAME, q, k, k, shift=-2.0)
    visible = torch.ones(9, 9, dtype=torch.bool).tril()[None, None]
    assert torch.equal(layer.weigh(run.scores, visible), run.pattern)


def test_a_saved_model_opens_with_equal_logits(tmp_path: Path) -> None:
    model, ids = attached("llama", f"{NAME} learned"), random_ids()
    before = model(ids).logits
    torch.testing.assert_close(load(save(model, tmp_path / "model"))(ids), before, atol=1e-5, rtol=0)


def test_the_hooked_pattern_is_the_kernels() -> None:
    bridge: Any = hooked(attached("llama", f"{NAME} learned"))
    _, cache = bridge.run_with_cache(random_ids(1))
    scores, layer = cache["blocks.1.attn.hook_attn_scores"], bridge.blocks[1].attn.layer
    expected = torch.nn.functional.softplus(scores - 1.0 + layer.bias).tril()
    torch.testing.assert_close(cache["blocks.1.attn.hook_pattern"], expected)
    assert layer.bias.abs().min() > 0


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "softplus learned" else [pytest.mark.slow]) for name in SPECS]
)
def test_every_analysis_that_applies_runs(name: str) -> None:
    model: Any = hooked(attach(tiny_model("softmax"), AttentionSpec(NAME, **SPECS[name])), tiny_tokenizer())
    found = analyse(model, PROMPT, "all")
    expected = {name for name, row in ANALYSES.items() if not row.name.endswith(("patching", "trajectory"))}
    assert (
        set(found) == expected - {"temperatures", "mechanism", "missing_mass"}
        and set(analyse(model, PROMPT)) <= expected
    )
    assert json.dumps(found.to_json(), allow_nan=False)


def test_the_command_inspects_its_folder(tmp_path: Path) -> None:
    said = headscope("inspect", tiny_folder(tmp_path / "model", NAME), "--prompt", "x y x y", "--all", "--csv")
    assert said.exit_code == 0 and "jacobian_norm" in said.stdout


@pytest.mark.usefixtures("no_page_waits")
def test_the_first_page_of_the_app_shows_it(tmp_path: Path) -> None:
    assert not test_app_views.view("attention", tiny_folder(tmp_path / "model", NAME)).exception


def test_its_gauges_are_its_own() -> None:
    assert kernel_gauges(NAME, learning().options) == ()


def test_its_jacobian_norm_comes_from_its_pullback() -> None:
    row: Variant = VARIANTS[NAME]
    scores, visible = torch.randn(1, 2, 6, 6).double(), torch.ones(6, 6, dtype=torch.bool).tril()
    pattern = row.weigh(scores, visible, shift=-2.0)
    expected = ((scores - 2.0).sigmoid() * visible).norm(dim=-1)
    torch.testing.assert_close(row.jacobian_norm(pattern, scores, visible, shift=-2.0), expected)


def test_a_norm_that_takes_a_pullback_per_key_costs_more_than_a_closed_one() -> None:
    closed, open_form = (Size(model_facts(hooked(tiny_model(name))), (256,)) for name in ("softmax", NAME))
    assert pullbacks(closed) == 0 < pullbacks(open_form)


def test_a_variant_with_temperatures_is_hooked_and_analysed_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def learned(options: Any, shape: LayerShape) -> dict[str, Temperature]:
        return {name: Temperature(shape.query_width, "paper", token=True) for name in TEMPERATURES}

    monkeypatch.setitem(VARIANTS, NAME, replace(VARIANTS[NAME], learns_temperatures=True, learned=learned))
    plain, ids = attached("gpt2", NAME), random_ids()
    before, bridge = plain(ids).logits, hooked(plain)
    torch.testing.assert_close(bridge(ids), before, atol=1e-4, rtol=0)
    assert list(analyse(bridge, "3 4 5 6 3 4", ["temperatures"])) == ["temperatures"]


def test_a_keyword_with_a_default_is_an_option_too() -> None:
    assert replace(VARIANTS[NAME], weigh=lambda scores, visible, shift=0.0: scores).call_options == ("shift",)


def test_an_option_that_no_kernel_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="softplus: the option 'slope' reaches nothing; make it a keyword of weigh"):
        replace(VARIANTS[NAME], options={"slope": 1.0}, learned=None)


def test_a_learned_part_that_no_kernel_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(VARIANTS[NAME], learned=lambda options, shape: {"gain": torch.nn.Parameter(torch.ones(4, 1, 1))})
    monkeypatch.setitem(VARIANTS, NAME, row)
    with pytest.raises(ValueError, match="softplus: the learned part 'gain' reaches nothing"):
        attach(tiny_decoder("llama"), AttentionSpec(NAME))


def test_a_learned_part_may_not_take_the_name_of_something_else() -> None:
    row = replace(VARIANTS[NAME], kernel=lambda *, scale: {})
    with pytest.raises(ValueError, match="softplus: every layer has something else of the name 'scale'"):
        refuse_lost_parts(row, ["scale"], own=dir(AttentionLayer))


def test_three_steps_of_training_move_what_it_learns() -> None:
    model, ids = attach(tiny_decoder("llama"), learning()), random_ids()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(3):
        optimizer.zero_grad()
        model(ids, labels=ids).loss.backward()
        optimizer.step()
    assert all(layer.self_attn.variant.bias.abs().min() > 0 for layer in model.model.layers)
    assert "model.layers.0.self_attn.variant.bias" in model.state_dict()

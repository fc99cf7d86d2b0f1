"""Attribution: parts that add up to the logit in every family, and patches that restore what they should."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from hooked_cases import close
from tiny_decoders import CONFIGS, attached, random_ids
from tiny_models import hooked_tiny
from torch import Tensor

from headscope.interp.analysis import Setting
from headscope.interp.asking.analyse import analyse
from headscope.interp.attribution.direct import direct_attribution, source_attribution
from headscope.interp.attribution.gradients import attribution_patching
from headscope.interp.attribution.logit_lens import READS, logit_lens, logit_lens_stream
from headscope.interp.attribution.patching import Patching, activation_patching
from headscope.interp.attribution.residual_parts import WRITES, readout, residual_parts
from headscope.interp.attribution.rows import ROWS
from headscope.interp.figures.drawing.null_marks import paler
from headscope.interp.reading.activations import MIXING, Activations, gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_pair import Ends, PromptPair
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.reading.target import Target, attribution_with_null, columns_of
from headscope.interp.weights.head_weights import HeadWeights, head_weights
from headscope.models.attention import VARIANTS
from headscope.models.hooked import hooked

NEEDS = sorted({*WRITES, *READS, MIXING, "attn.hook_v", "attn.o.hook_out"})
TARGET, AGAINST = Target(17), Target(17, 30, "17 or 30")
SOFT_CAP = {"gemma2": 30.0}

every_family = pytest.mark.parametrize("family", CONFIGS)
every_case = pytest.mark.parametrize(
    ("family", "name"),
    [*((family, "cog") for family in CONFIGS), *(("llama", name) for name in VARIANTS if name != "cog")],
)


def prompt(ids: list[int]) -> PromptTokens:
    return PromptTokens(tuple(ids), tuple(map(str, ids)))


@cache
def model_of(family: str, name: str = "cog") -> Any:
    return hooked(attached(family, name))


@cache
def seen(family: str, name: str = "cog") -> tuple[HeadWeights, Activations]:
    torch.manual_seed(0)
    model = model_of(family, name)
    [run] = gathered_activations(model, [prompt(random_ids(1, 9)[0].tolist())], NEEDS)
    return head_weights(model), run


def uncapped(family: str, logits: Tensor) -> Tensor:
    """The logits before a soft cap."""
    cap = SOFT_CAP.get(family)
    return logits if cap is None else cap * torch.atanh(logits.double() / cap).float()


@every_case
@pytest.mark.parametrize("position", [-1, 4])
def test_components_add_up_to_the_logit(family: str, name: str, position: int) -> None:
    weights, run = seen(family, name)
    parts, read = residual_parts(run, weights, position), readout(run, weights, position)
    logits = uncapped(family, run.logits[position])
    close(direct_attribution(parts, read, TARGET).component.sum(), logits[17])
    close(direct_attribution(parts, read, AGAINST).component.sum(), logits[17] - logits[30])


@every_case
def test_heads_add_up_to_their_layer_less_the_bias(family: str, name: str) -> None:
    weights, run = seen(family, name)
    parts, read = residual_parts(run, weights), readout(run, weights)
    rest = direct_attribution(parts, read, TARGET).component[1:-1:2] - direct_attribution(parts, read, TARGET).head.sum(
        1
    )
    biases = [getattr(block.attn.o.original_component, "bias", None) for block in model_of(family, name).blocks]
    expected = [0.0 if bias is None else float(bias.detach() @ (weights.W_U / read.scale)[:, 17]) for bias in biases]
    close(rest, torch.tensor(expected))
    assert (family in ("gpt2", "gpt_neox")) == any(abs(one) > 1e-3 for one in expected)


@every_case
def test_sources_add_up_to_their_head(family: str, name: str) -> None:
    weights, run = seen(family, name)
    parts, read = residual_parts(run, weights, 5), readout(run, weights, 5)
    pattern, W_O = run[MIXING][:, :, 5], weights.W_O / parts.scale[:, None, None, None]
    found = source_attribution(pattern, run["attn.hook_v"], W_O, read, AGAINST)
    close(found.value.sum(-1), direct_attribution(parts, read, AGAINST).head)
    assert (found.value[..., 6:] == 0).all()


@pytest.mark.parametrize("target", [TARGET, AGAINST])
def test_the_null_is_what_tokens_drawn_at_random_get(target: Target) -> None:
    parts, W = torch.randn(4, 6, dtype=torch.float64), torch.randn(6, 40, dtype=torch.float64)
    found, logits = attribution_with_null(parts, columns_of(W, target)), parts @ W
    drawn = logits if target.distractor is None else (logits[:, :, None] - logits[:, None, :]).flatten(1)
    close(found.null, drawn.mean(1), 1e-10)
    close(found.spread, drawn.std(1, correction=0), 1e-10)
    close(found.value, target.of(logits), 1e-10)


@every_family
def test_direct_attribution_is_transformer_lens_s_where_norms_are_folded(family: str) -> None:
    weights, run = seen(family)
    mine = direct_attribution(residual_parts(run, weights), readout(run, weights), TARGET)
    folded: Any = hooked(attached(family, "cog"))
    folded.enable_compatibility_mode(
        disable_warnings=True,
        no_processing=False,
        fold_value_biases=False,
        center_unembed=False,
        center_writing_weights=False,
    )
    _, cache = folded.run_with_cache(torch.tensor([run.tokens.ids]))
    stack, labels = cache.decompose_resid(return_labels=True)
    theirs = cache.logit_attrs(stack, 17)[:, 0, -1]
    first = next(i for i, label in enumerate(labels) if label == "0_attn_out")
    close(mine.component[1:-1], theirs[first:])
    close(mine.component[0], theirs[:first].sum())


@every_family
def test_the_lens_is_the_final_norm_and_unembedding_at_every_depth(family: str) -> None:
    weights, run = seen(family)
    model, tokens = model_of(family), torch.tensor([[3, 17]]).expand(9, 2)
    found = logit_lens(logit_lens_stream(run), weights, tokens, soft_cap=SOFT_CAP.get(family))
    residual = logit_lens_stream(run).residual
    with torch.no_grad():
        raw = model.ln_final(residual) @ model.W_U + (model.b_U if getattr(model, "b_U", None) is not None else 0)
    close(found.logit, raw[..., [3, 17]])
    cap = SOFT_CAP.get(family)
    close(found.probability, (raw if cap is None else cap * torch.tanh(raw / cap)).softmax(-1)[..., [3, 17]])


@every_case
def test_the_last_depth_is_what_the_model_says(family: str, name: str) -> None:
    weights, run = seen(family, name)
    likeliest = run.logits.argmax(-1)[:, None]
    found = logit_lens(logit_lens_stream(run), weights, likeliest, soft_cap=SOFT_CAP.get(family))
    close(found.probability[-1], run.logits.softmax(-1).gather(-1, likeliest))
    assert (found.rank[-1] == 0).all() and torch.equal(found.top[-1], likeliest[:, 0])


@every_family
def test_the_lens_is_transformer_lens_s(family: str) -> None:
    weights, run = seen(family)
    _, cache = model_of(family).run_with_cache(torch.tensor([run.tokens.ids]))
    theirs = cache.logit_lens(positions=None).values[:, 0]
    mine = logit_lens(logit_lens_stream(run), weights, torch.arange(99).expand(9, 99)).logit
    cap = SOFT_CAP.get(family)
    close(mine if cap is None else cap * torch.tanh(mine / cap), theirs)


def pair_of(length: int = 6) -> PromptPair:
    """Two prompts that differ in their third token."""
    torch.manual_seed(3)
    clean = random_ids(1, length)[0].tolist()
    return PromptPair(prompt(clean), prompt([*clean[:2], 98 - clean[2] % 90, *clean[3:]]), 17, 30)


@cache
def patched(family: str, name: str = "cog") -> Patching:
    return activation_patching(model_of(family, name), pair_of())


@every_family
def test_patching_the_changed_token_at_the_start_restores_all(family: str) -> None:
    found = patched(family)
    close(found.resid_pre[0, 2], torch.tensor(1.0), 1e-3)
    assert found.resid_pre[:, :2].abs().max() < 1e-3  # what comes before the change is the same in both


@pytest.mark.parametrize("family", ["gpt_neox", "gemma2"])
def test_patching_is_transformer_lens_s(family: str) -> None:
    from transformer_lens import patching

    model, pair = model_of(family), pair_of()
    ends = Ends(patched(family).clean, patched(family).corrupt)
    _, clean = model.run_with_cache(torch.tensor([pair.clean.ids]))
    ids = torch.tensor([pair.corrupt.ids])

    def metric(logits: Tensor) -> Tensor:
        return ends.restored(pair.difference(logits)[0])

    close(patched(family).resid_pre, patching.get_act_patch_resid_pre(model, ids, clean, metric))
    close(patched(family).head, patching.get_act_patch_attn_head_out_all_pos(model, ids, clean, metric))


def test_the_size_of_batches_changes_nothing_and_every_pass_is_counted() -> None:
    counted: list[tuple[int, int]] = []
    model, whole = model_of("llama"), patched("llama")
    small = activation_patching(model, pair_of(), batch_size=4, watch=lambda done, total: counted.append((done, total)))
    close(small.resid_pre, whole.resid_pre)
    close(small.head, whole.head)
    assert counted == [(done, 9) for done in range(1, 10)]  # 6 positions are two passes, 4 heads one, in 3 layers


def nudged(model: Any, pair: PromptPair, size: float) -> tuple[Patching, Patching]:
    """Both kinds of patching between a prompt and itself with one embedding moved by a little."""
    W_E, step = model.embed.original_component.weight, torch.randn(32) * size
    ids = list(pair.clean.ids)
    ids[2] = 97 if ids[2] != 97 else 96
    near = replace(pair, corrupt=prompt(ids))
    with torch.no_grad():
        before = W_E[ids[2]].clone()
        W_E[ids[2]] = W_E[pair.clean.ids[2]] + step
    try:
        return activation_patching(model, near), attribution_patching(model, near)
    finally:
        with torch.no_grad():
            W_E[ids[2]] = before


@pytest.mark.parametrize("name", VARIANTS)
def test_attribution_patching_is_activation_patching_in_the_limit_of_small_steps(name: str) -> None:
    model = hooked(attached("gpt2", name).double())
    step = 1e-4 if name == "selective" else 1e-6  # temperatures are float32: a smaller step drowns in rounding
    whole, linear = nudged(model, pair_of(), step)
    close(linear.resid_pre, whole.resid_pre, 0.02)
    close(linear.head, whole.head, 0.02)
    assert whole.head.abs().max() > 1e-2


def test_the_linear_null_is_a_random_step_of_the_same_size() -> None:
    found = attribution_patching(model_of("llama"), pair_of())
    spread = found.resid_pre_null_spread
    assert spread is not None and found.resid_pre_null is not None
    assert (found.resid_pre.abs() <= spread * 32**0.5 + 1e-6).all()  # no direction does more than the gradient's own
    assert (found.resid_pre_null == 0).all() and spread[0, 2] > 0 and spread[0, 0] == 0


def test_patching_leaves_no_hook_and_no_gradient() -> None:
    model, ids = model_of("llama"), random_ids(1, 7)
    before = model(ids)
    activation_patching(model, pair_of())
    attribution_patching(model, pair_of())
    assert torch.equal(model(ids), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def flip(model: Any, layer: int, head: int) -> None:
    """(W_Q, W_V) → −(W_Q, W_V) in one head of a tiny GPT-2, biases too: cog and odd powers compute the same."""
    fused = model.transformer.h[layer].attn.c_attn
    for start in (0, 64):  # d_model 32, d_head 8: queries from 0, keys from 32, values from 64
        columns = slice(start + 8 * head, start + 8 * head + 8)
        with torch.no_grad():
            fused.weight[:, columns] *= -1
            fused.bias[columns] *= -1


@pytest.mark.parametrize("name", ["cog", "polynomial"])
def test_attribution_does_not_know_the_gauge(name: str) -> None:
    weights, run = seen("gpt2", name)
    plain = attached("gpt2", name)
    flip(plain, 1, 2)
    model = hooked(plain)
    [other] = gathered_activations(model, [run.tokens], NEEDS)
    close(other["attn.hook_pattern"][1, 2], -run["attn.hook_pattern"][1, 2])
    mine = Setting(model_facts(model), lambda: weights)
    theirs = Setting(model_facts(model), lambda: head_weights(model))
    for row in ROWS:
        for field, values in row.compute(mine, run).tensors().items():
            close(row.compute(theirs, other).tensors()[field], values)
    pair = pair_of()
    close(activation_patching(model, pair).head, patched("gpt2", name).head, 1e-3)


def test_prompts_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="the clean one has 3 tokens and the corrupt one 2"):
        PromptPair(prompt([1, 2, 3]), prompt([1, 2]), 4, 5)


def test_prompts_that_nothing_tells_apart_are_refused() -> None:
    pair = pair_of()
    with pytest.raises(ValueError, match="the same logit difference"):
        activation_patching(model_of("llama"), replace(pair, corrupt=pair.clean))


def test_the_rows_label_their_tokens() -> None:
    weights, run = seen("llama")
    setting = Setting(model_facts(model_of("llama")), lambda: weights)
    direct, source, lens = (row.compute(setting, run) for row in ROWS)
    assert direct.labels["component"][:3] == ("embedding", "L0 attention", "L0 MLP")
    assert source.labels["key"] == lens.labels["pos"] == run.tokens.strings
    assert lens.tensors()["token"][:-1, 0].tolist() == list(run.tokens.ids[1:])


def test_patching_names_its_two_tokens_and_the_corrupt_prompt() -> None:
    pair = replace(pair_of(), strings=("<b>", "y"))
    for found in (activation_patching(model_of("llama"), pair), attribution_patching(model_of("llama"), pair)):
        assert found.about.title.endswith(", '<b>' (token 17) against 'y' (token 30)")
        assert "'&lt;b&gt;' (token 17)" in found.figure().layout.title.text
        said = json.loads(json.dumps(found.to_json()))["facts"]["pair"]
        assert said["distractor"] == {"id": 30, "text": "y"} and said["corrupt"]["ids"] == list(pair.corrupt.ids)
        assert set(found.to_csv().splitlines()[1].split(",")) >= {"'<b>' (token 17) against 'y' (token 30)"}
    assert str(pair_of()) == "token 17 against token 30"


def test_the_token_whose_logit_is_attributed_is_named() -> None:
    weights, run = seen("llama")
    token = int(run.logits[-1].argmax())
    for row in ROWS[:2]:
        found = row.compute(Setting(model_facts(model_of("llama")), lambda: weights), run)
        assert found.to_json()["labels"]["target"] == [f"token {token}"]
        assert (
            found.figure()
            .layout.title.text.replace("<br>", " ")
            .endswith(f"likeliest token after the prompt: token {token}")
        )
    given = direct_attribution(residual_parts(run, weights), readout(run, weights), AGAINST)
    assert given.figure().layout.title.text.endswith(": 17 or 30")


def test_prompts_with_different_likeliest_tokens_have_a_mean() -> None:
    found = analyse(hooked_tiny("cog"), ["return x", "class Point:\n"], ["direct_logit_attribution"])
    result: Any = found["direct_logit_attribution"]
    assert "target" not in result.labels and result.of == "logit of the likeliest token after the prompt"
    one = analyse(hooked_tiny("cog"), "return x", ["direct_logit_attribution"])["direct_logit_attribution"]
    assert "(token " in one.labels["target"][0]


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_added_to_all_logits_alike_leaves_attribution_less_its_null(name: str) -> None:
    weights, run = seen("llama", name)
    shifted = replace(weights, W_U=weights.W_U + torch.randn(32, 1))
    mine, theirs = (
        direct_attribution(residual_parts(run, one), readout(run, one), TARGET) for one in (weights, shifted)
    )
    close(theirs.head - theirs.head_null, mine.head - mine.head_null)
    close(theirs.component - theirs.component_null, mine.component - mine.component_null)
    assert (theirs.head - mine.head).abs().max() > 1e-2
    against = (direct_attribution(residual_parts(run, one), readout(run, one), AGAINST) for one in (weights, shifted))
    close(*(one.head for one in against))


def test_the_figure_of_direct_attribution_has_bars_and_heads() -> None:
    weights, run = seen("llama")
    figure = direct_attribution(residual_parts(run, weights), readout(run, weights), AGAINST).figure()
    bars, grid = figure.data
    assert list(bars.y) == [
        "embedding",
        *(f"L{i} {part}" for i in range(3) for part in ("attention", "MLP")),
        "unembedding bias",
    ]
    assert grid.z.shape == (3, 4) and figure.layout.xaxis.title.text == "logits"
    assert figure.layout.title.text.endswith("17 or 30")
    negative = [colour for colour, value in zip(bars.marker.color, bars.x, strict=True) if value < 0]
    assert negative and {*negative} <= {"#b2182b", paler("#b2182b")}  # paler near the null


def test_the_figure_of_the_lens_has_a_choice_of_targets() -> None:
    weights, run = seen("llama")
    figure = ROWS[2].compute(Setting(model_facts(model_of("llama")), lambda: weights), run).figure()
    assert [trace.z.shape for trace in figure.data] == [(4, 9), (4, 9)]
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["next token", "likeliest token"]
    assert "rank 0" in figure.data[1].text[-1, 0]


def test_the_figure_of_sources_names_heads_and_tokens() -> None:
    weights, run = seen("llama")
    figure = ROWS[1].compute(Setting(model_facts(model_of("llama")), lambda: weights), run).figure()
    assert figure.data[0].z.shape == (12, 9) and figure.layout.yaxis.labelalias["5"] == "L1H1"
    assert figure.layout.xaxis.labelalias["3"] == f"{run.tokens.strings[3]} at 3"


def test_the_figure_of_patching_shows_both_tokens_in_one_range() -> None:
    figure = patched("llama").figure()
    residual, heads = figure.data
    assert residual.zmax == heads.zmax == -residual.zmin and heads.z.shape == (3, 4)
    said = figure.layout.xaxis.labelalias
    assert " / " in said["2"] and " / " not in said["1"]

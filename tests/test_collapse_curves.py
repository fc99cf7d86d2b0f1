"""Collapse curves: pairs of prompts, distances of their last residuals, and what no counting model can tell apart."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from tiny_decoders import CONFIGS, EVERY_PAIR, SPECS, attached
from tiny_models import hooked_tiny, tiny_tokenizer
from torch.testing import assert_close

from headscope.interp.asking.analyse import analyse
from headscope.interp.collapse.beginnings import carriers
from headscope.interp.collapse.comparison import collapse_comparison
from headscope.interp.collapse.curves import CollapseCurves, collapse, unrelated
from headscope.interp.collapse.distances import (
    DISTANCES,
    UNLIKE,
    bfloat16_steps,
    bfloat16_ulp,
    distances,
    unlike_in_bfloat16,
)
from headscope.interp.collapse.in_words import equal_from, rounded_in_words
from headscope.interp.collapse.last_residuals import last_residuals, of_batch
from headscope.interp.collapse.pairs import (
    CollapsePair,
    continued,
    count_ones,
    doubling,
    find_a_zero,
    prefix_pairs,
    repeated_last,
    repeated_unit,
    token_of,
)
from headscope.interp.collapse.plain_ids import plain_ids
from headscope.interp.reading.hooked_model import tokenizer_of
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.models.attention.table import VARIANTS
from headscope.models.hooked import hooked

ONES = repeated_unit([7], (2, 4, 8))


@cache
def curves_of_ones(variant: str) -> CollapseCurves:
    return collapse(hooked_tiny(variant), ONES, samples=2)


def test_repeating_the_last_token_adds_one_token() -> None:
    assert repeated_last([3, 5]) == CollapsePair(2, (3, 5), (3, 5, 5))


def test_a_unit_is_repeated_and_cut_after_n_tokens_behind_the_start() -> None:
    [pair] = repeated_unit([1, 2], [3], before=[9])
    assert pair == CollapsePair(3, (9, 1, 2, 1), (9, 1, 2, 1, 1))


def test_prefixes_are_pairs_of_the_first_n_tokens() -> None:
    assert prefix_pairs([4, 5, 6], [1, 3]) == [repeated_last([4]), repeated_last([4, 5, 6])]


def test_ones_are_counted_behind_a_question_as_tokens_of_their_own() -> None:
    tokenizer = tiny_tokenizer()
    one = token_of("1", tokenizer)
    question = tuple(tokenizer.encode("How?", add_special_tokens=False))
    [pair] = count_ones(tokenizer, [3], "How?")
    assert (pair.first, pair.second) == ((*question, one, one, one), (*question, one, one, one, one))


def test_the_zero_stands_first_and_a_one_in_its_place_in_the_other_prompt() -> None:
    tokenizer = tiny_tokenizer()
    one, zero = token_of("1", tokenizer), token_of("0", tokenizer)
    [pair] = find_a_zero(tokenizer, [3], "", prepend_bos=True)
    bos = tokenizer.bos_token_id
    assert (pair.first, pair.second) == ((bos, zero, one, one, one), (bos, one, one, one, one))


def test_lengths_double_up_to_the_last() -> None:
    assert doubling(4, 30) == (4, 8, 16, 30)
    assert doubling(4, 16) == (4, 8, 16)


def test_distances_of_a_known_difference() -> None:
    difference = torch.tensor([3.0, -4.0, 0.0, 1.0, 2.0])
    found = distances(difference, torch.zeros(5), d_head=2)
    steps = 30.0**0.5 / (2.0**-12 + 2.0**-10 + 2.0**-14 + 2.0**-12) ** 0.5  # of 3, 4, 1 and 2; 0 has none
    known = [10.0, 30.0**0.5, 4.0, (4.0 + 1.0 + 2.0) / 3, steps, 4 / 5]
    assert_close(found, torch.tensor(known, dtype=torch.float64))
    assert list(DISTANCES)[:4] == ["L1 norm", "L2 norm", "L∞ norm", "chunked L∞ norm"]
    assert list(DISTANCES)[4:] == ["bfloat16 steps", "unlike in bfloat16"]


def test_a_step_of_bfloat16_leads_to_its_next_number() -> None:
    x = torch.tensor([1.0, 1.5, -3.0, 0.1, 1000.0, 2.0**-20]).bfloat16().double()
    up = x + bfloat16_ulp(x) * x.sign()
    assert_close(up.bfloat16().double(), up, atol=0, rtol=0)
    between = x + 0.49 * bfloat16_ulp(x) * x.sign()
    assert_close(between.bfloat16().double(), x, atol=0, rtol=0)


def test_rounding_alone_is_a_fraction_of_a_step() -> None:
    x = torch.randn(4000, dtype=torch.float64)
    assert 0.2 < float(bfloat16_steps(x, x.bfloat16().double())) < 0.3
    assert float(unlike_in_bfloat16(x, x.bfloat16().double())) == 0


@pytest.mark.parametrize("family", CONFIGS)
def test_logits_are_those_of_the_model(family: str) -> None:
    model = hooked(attached(family, "cog"))
    pairs = [CollapsePair(3, (5, 6, 7), (9, 6, 7)), CollapsePair(3, (5, 6, 7), (5, 6, 7))]
    found = collapse(model, pairs, samples=1)
    with torch.no_grad():
        first, second = model(torch.tensor([pairs[0].first, pairs[0].second]))[:, -1]
    unlike = (first.bfloat16() != second.bfloat16()).double().mean()
    assert found.logits_unlike is not None and found.answer_differs is not None
    assert_close(found.logits_unlike, torch.stack([unlike, torch.tensor(0.0).double()]), atol=0.1, rtol=0)
    assert found.answer_differs.tolist() == [float(first.argmax() != second.argmax()), 0.0]


def test_the_n_from_which_two_prompts_are_one_to_bfloat16_is_said() -> None:
    assert "one vector from n = 2 on" in rounded_in_words(curves_of_ones("softmax"))  # which cannot count
    found = curves_of_ones("polynomial")
    words = rounded_in_words(found)
    assert "of the last residual's entries differ at n = 8" in words and "; of unrelated prompts 100 ± 0 % do" in words
    same = replace(found, distance=found.distance * (torch.arange(3) == 0), answer_differs=torch.tensor([1.0, 0, 0]))
    assert "one vector from n = 4 on" in rounded_in_words(same)
    assert "The likeliest token is the same from n = 4 on" in rounded_in_words(same)
    assert [equal_from(torch.tensor(apart), (2, 4, 8)) for apart in ([0.0, 0, 0], [1.0, 0, 1], [1.0, 1, 0])] == [
        2,
        None,
        8,
    ]


@pytest.mark.parametrize("family", CONFIGS)
def test_last_residuals_are_the_last_rows_of_the_hooks(family: str) -> None:
    model = hooked(attached(family, "cog"))
    prompts = [(5, 6, 7), (8, 9), (5, 6, 7), (10, 11, 12)]
    found = last_residuals(model, prompts)
    with torch.no_grad():
        _, cache = model.run_with_cache(torch.tensor([prompts[3]]))
    names = [*(f"blocks.{layer}.hook_resid_post" for layer in range(3)), "ln_final.hook_out"]
    assert_close(found[3], torch.stack([cache[name][0, -1] for name in names]), atol=1e-4, rtol=0)
    assert_close(found[0], found[2], atol=0, rtol=0)


BEGUN_ALIKE = [prompt for pair in prefix_pairs(range(5, 45), [3, 5, 9, 20, 40]) for prompt in (pair.first, pair.second)]


def tokens_run(model: Any, prompts: Sequence[tuple[int, ...]], layer: int = 0) -> tuple[torch.Tensor, int]:
    """The last residuals, and how many tokens went through a layer for them."""
    seen: list[int] = []
    name = f"blocks.{layer}.hook_resid_post"
    hook = model.hook_dict[name].register_forward_hook(lambda module, given, output: seen.append(output.shape[1]))
    result = last_residuals(model, prompts)
    hook.remove()
    return result, sum(seen)


@pytest.mark.parametrize(("family", "name"), EVERY_PAIR)
def test_what_begins_alike_is_read_off_one_pass_as_if_it_were_run_alone(family: str, name: str) -> None:
    model = hooked(attached(family, name).double())
    rows, tokens = tokens_run(model, BEGUN_ALIKE)
    alone = torch.cat([of_batch(model, [prompt]) for prompt in BEGUN_ALIKE])
    digits = 1e-5 if name == "selective" else 1e-8  # whose temperatures are float32's
    assert_close(rows, alone, atol=digits, rtol=digits)
    # What the longest begins with, all ends, the shortest and the longest of them once more
    apart = VARIANTS[SPECS[name].variant].reads_order  # and each last token by itself
    assert tokens <= 40 + 10 + 3 + 1 or apart


def test_of_the_longest_the_last_layer_gives_keys_and_values_alone() -> None:
    model = hooked(attached("llama", "cog"))
    assert tokens_run(model, BEGUN_ALIKE, layer=2)[1] == 10 + 3 + 1


def test_hooks_see_the_longest_as_it_stands() -> None:
    model: Any = hooked(attached("llama", "cog"))

    def second_token_zeroed(residual: torch.Tensor, hook: object) -> torch.Tensor:
        return residual * (torch.arange(residual.shape[1]) != 1)[None, :, None]

    model.hook_dict["blocks.1.hook_resid_pre"].add_perma_hook(second_token_zeroed)
    beginnings = [prompt for prompt in BEGUN_ALIKE if prompt == tuple(range(5, 5 + len(prompt)))]
    alone = torch.cat([of_batch(model, [prompt]) for prompt in beginnings])
    assert_close(last_residuals(model, beginnings), alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("family", "passes"), [("llama", 4), ("gemma2", 7)])
def test_all_ends_take_one_pass_where_no_window_forbids_it(family: str, passes: int) -> None:
    model, seen = hooked(attached(family, "cog")), list[object]()
    model.hook_dict["blocks.0.hook_resid_post"].register_forward_hook(lambda *given: seen.append(given))
    last_residuals(model, BEGUN_ALIKE)
    assert len(seen) == passes  # keys, ends, two of them once more; with a window the whole, four ends, two once more


def test_a_model_that_knows_the_length_of_the_whole_prompt_runs_every_prompt() -> None:
    model = hooked_tiny("cog")

    def of_all(residual: torch.Tensor, hook: object) -> torch.Tensor:
        return residual * residual.shape[1]

    model.hook_dict["blocks.1.hook_resid_pre"].add_perma_hook(of_all)
    rows, tokens = tokens_run(model, BEGUN_ALIKE)
    alone = torch.cat([of_batch(model, [prompt]) for prompt in BEGUN_ALIKE])
    assert_close(rows, alone, atol=1e-4, rtol=1e-4)
    assert tokens >= sum(map(len, set(BEGUN_ALIKE)))


def test_prompts_share_as_few_passes_as_they_can() -> None:
    [one, other] = carriers([(1, 2), (1, 2, 3, 4), (1, 5), (6, 6), (1,), (6,)])
    assert (one.ids, one.beginnings, one.other_ends) == ((1, 2, 3, 4), [(1, 2, 3, 4), (1, 2), (1,)], [(1, 5)])
    assert (other.ids, other.beginnings) == ((6, 6), [(6, 6), (6,)])


def test_batches_change_nothing_and_are_watched() -> None:
    model, prompts = hooked_tiny("cog"), [(5, 6), (7, 8), (9, 4, 5)]
    seen: list[tuple[int, int]] = []
    alone = last_residuals(model, prompts, lambda done, total: seen.append((done, total)), batch_size=1)
    assert_close(last_residuals(model, prompts), alone, atol=1e-4, rtol=0)
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_rows_that_sum_to_one_cannot_count_equal_tokens(variant: str) -> None:
    found = curves_of_ones(variant)
    largest = float(found.distance[0].max())
    row = VARIANTS[variant]
    sums_alike = row.rows_sum_to_one or row.mixes_heads  # a difference of two such rows is the same at every length
    blind = sums_alike and variant != "selective"  # whose temperatures know the position
    assert (largest < 1e-2) == blind, largest


def test_a_different_start_is_seen_by_softmax() -> None:
    found = collapse(hooked_tiny("softmax"), repeated_unit([7], (2, 4, 8), before=[9]), samples=2)
    assert float(found.distance[0, -1].min()) > 1e-2
    assert_close(found.relative[..., 0], torch.ones_like(found.relative[..., 0]))
    assert_close(found.relative, found.distance / found.distance[..., :1])


def test_the_null_is_the_distance_of_unrelated_prompts_with_the_same_end() -> None:
    one_token = collapse(hooked_tiny("cog"), [CollapsePair(1, (7,), (7,))])
    assert float(one_token.distance_null.abs().max()) == 0  # nothing is left to draw
    found = curves_of_ones("cog")
    assert bool((found.distance_null > 0).all()) and bool((found.distance_null_spread[:UNLIKE] > 0).all())
    assert bool((found.distance_null[UNLIKE] > 0.9).all())  # nearly all entries differ: hardly a spread


def test_the_null_draws_tokens_that_text_is_made_of() -> None:
    model = hooked_tiny("cog")
    tokenizer: Any = tokenizer_of(model)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<s>", "**x**"]})
    special = set(tokenizer.all_special_ids)
    assert len(special) == 3
    model.cfg.d_vocab = 310  # rows that no token has
    known = plain_ids(model)
    assert set(known.tolist()) == set(range(300)) - special
    model.tokenizer = model.plain_tokenizer = None
    assert torch.equal(plain_ids(model), torch.arange(310))


def test_an_unrelated_prompt_has_the_length_and_the_end_of_the_second() -> None:
    assert unrelated(CollapsePair(3, (1, 2, 9), (1, 2, 9, 9)), [(4, 6, 4, 6, 6)]) == [(4, 6, 4, 9)]


def test_every_length_of_a_short_prompt_is_a_point() -> None:
    model = hooked_tiny("cog")
    lengths = [
        analyse(model, prompt_of(length), ["collapse_prompt"])["collapse_prompt"].facts()["lengths"]
        for length in (1, 2, 7, 40)
    ]
    assert lengths == [(1,), (2,), (2, 3, 4, 5, 6, 7), (4, 8, 16, 32, 40)]


def prompt_of(length: int) -> PromptTokens:
    ids = tuple(range(5, 5 + length))
    return PromptTokens(ids, tuple(map(str, ids)))


def test_a_flip_of_signs_changes_no_curve() -> None:
    model, before = hooked_tiny("cog"), curves_of_ones("cog")
    with torch.no_grad():
        for layer in model.original_model.model.layers:
            for name in ("q_proj", "v_proj"):
                layer.self_attn.get_submodule(name).get_parameter("_original_component.weight").neg_()
    assert_close(collapse(model, ONES, samples=2).distance, before.distance, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: repeated_last([]), "no last token to repeat"),
        (lambda: prefix_pairs([1, 2], [3]), "length 3 was asked for; lengths run from 1 to 2"),
        (lambda: repeated_unit([1], [0]), "length 0 was asked for; lengths run from 1"),
        (lambda: repeated_unit([], [1]), "empty unit"),
        (lambda: repeated_unit([1], []), "no length was given"),
        (lambda: doubling(5, 4), "lengths from 5 to 4"),
        (lambda: token_of("no such token", tiny_tokenizer()), "the vocabulary has no token"),
        (
            lambda: collapse(hooked_tiny("cog"), repeated_unit([1], [64])),
            "65 tokens was given; this model reads 1 to 64",
        ),
        (lambda: collapse(hooked_tiny("cog"), []), "no prompt was given"),
        (lambda: collapse_comparison({}), "no curve was given"),
    ],
)
def test_what_cannot_be_is_refused(wrong: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()  # type: ignore[operator]


def test_the_figure_has_a_line_per_depth_and_the_null_for_every_distance() -> None:
    found = curves_of_ones("cog")
    figure = found.figure()
    lines = [one for one in figure.data if one.visible]
    assert [one.name for one in lines] == ["layer 0", "layer 1", "layer 2", "final norm", "null, final norm"]
    assert lines[3].y.tolist() == found.distance[0, 3].tolist() and lines[3].x.tolist() == [2, 4, 8]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert len(figure.data) == len(DISTANCES) * 5


def test_models_are_compared_by_their_relative_curves() -> None:
    found = {name: curves_of_ones(name) for name in ("cog", "polynomial")}
    compared = collapse_comparison(found)
    lines = [one for one in compared.figure().data if one.visible]
    assert [one.name for one in lines] == ["cog", "polynomial"] and lines[0].line.dash != lines[1].line.dash
    assert lines[1].y.tolist() == found["polynomial"].relative[0, -1].tolist()
    assert lines[0].line.dash != lines[1].line.dash and lines[0].line.color != lines[1].line.color


def test_models_of_other_contexts_are_compared_where_both_were_asked() -> None:
    short = collapse(hooked_tiny("cog"), ONES[1:], samples=1)
    compared = collapse_comparison({"long": curves_of_ones("cog"), "short": short})
    assert compared.lengths == (4, 8)
    assert_close(compared.distance[0], compared.distance[1])


def test_a_pair_is_continued_by_its_last_token() -> None:
    bare, longer = continued([5, 7], [7], [0, 3])
    assert (bare.first, bare.second, bare.n) == ((5, 7), (7,), 2)
    assert (longer.first, longer.second, longer.n) == ((5, 7, 7, 7, 7), (7, 7, 7, 7), 5)
    with pytest.raises(ValueError, match="these do not"):
        continued([1], [2], [0])

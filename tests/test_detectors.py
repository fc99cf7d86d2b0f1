"""Detectors: heads whose job is known, signs apart; exact nulls; copying that no change of gauge turns."""

import itertools
import math

import pytest
import torch
from hooked_cases import close
from tiny_decoders import CONFIGS, attached, random_ids
from torch import Tensor
from torch.testing import assert_close

from headscope.interp.analysis import Setting
from headscope.interp.detectors.copying import PromptCopying, prompt_copying
from headscope.interp.detectors.rows import ROWS
from headscope.interp.detectors.scores import DetectorScores, detector_scores
from headscope.interp.detectors.targets import TARGETS, targets
from headscope.interp.reading.activations import gathered_activations
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.weights.head_weights import head_weights
from headscope.models.attention import VARIANTS
from headscope.models.hooked import hooked

PREVIOUS, DUPLICATE, INDUCTION = range(3)
IDS = torch.tensor([5, 7, 5, 9, 7])


def causal(positions: int, layers: int = 1) -> Tensor:
    return torch.ones(layers, positions, positions, dtype=torch.bool).tril()


def scored(pattern: Tensor, ids: Tensor = IDS) -> DetectorScores:
    """The detectors of heads [head query key] of one layer."""
    return detector_scores(pattern[None].double(), ids, causal(len(ids)))


def focused(cell: int, weight: float = 1.0, ids: Tensor = IDS) -> Tensor:
    """A head that puts `weight` on every cell of a detector, and the rest of 1 on the first token."""
    pattern = targets(ids)[cell].double() * weight
    pattern[:, 0] += (1 - pattern.abs().sum(-1)) * (targets(ids)[cell].sum(-1) > 0)
    return pattern[None]


def random_pattern(heads: int = 3, positions: int = 5) -> Tensor:
    return torch.randn(heads, positions, positions, dtype=torch.float64).tril()


def cells(name: str) -> list[tuple[int, int]]:
    return [(int(q), int(k)) for q, k in TARGETS[name](IDS).nonzero()]


def test_the_cells_are_those_of_the_definitions() -> None:
    assert cells("previous token") == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert cells("duplicate token") == [(2, 0), (4, 1)]
    assert cells("induction") == [(2, 1), (4, 2)]


def test_a_token_is_not_its_own_past() -> None:
    assert not TARGETS["induction"](torch.tensor([4, 4])).any()


def test_the_cells_are_transformer_lens_s_where_no_token_comes_twice_in_a_row() -> None:
    from transformer_lens import head_detector

    ids = torch.randperm(20)[:6].repeat(2)
    theirs = (
        head_detector.get_previous_token_head_detection_pattern(ids[None]),
        head_detector.get_duplicate_token_head_detection_pattern(ids[None]),
        head_detector.get_induction_head_detection_pattern(ids[None]),
    )
    for mine, other in zip(targets(ids), theirs, strict=True):
        assert torch.equal(mine[1:], other.bool()[1:])


def test_a_head_that_subtracts_the_previous_token_is_named_with_its_sign() -> None:
    from transformer_lens.head_detector import compute_head_attention_similarity_score

    pattern = torch.diag(torch.full((11,), -0.9), -1) + torch.diag(torch.full((12,), 0.075)) * (torch.arange(12) > 0)
    pattern += torch.diag(torch.full((10,), -0.025), -2)
    pattern[1, 1] = 0.1
    ids = torch.arange(12)
    found = detector_scores(pattern[None, None], ids, causal(12))
    row = [float(getattr(found, name)[PREVIOUS]) for name in ("signed", "share", "sign")]
    assert row == pytest.approx([-0.9, 0.9, -1.0])
    detection = targets(ids)[PREVIOUS].float()
    options = {"exclude_bos": False, "exclude_current_token": False, "error_measure": "mul"}
    assert compute_head_attention_similarity_score(pattern, detection, **options) == pytest.approx(1.06, abs=0.01)


@pytest.mark.parametrize("kind", range(3))
def test_a_head_made_for_a_job_has_its_whole_share_there(kind: int) -> None:
    found = scored(focused(kind))
    assert_close(found.share[:, 0, 0][kind], torch.tensor(1.0, dtype=torch.float64))


def test_rows_without_a_cell_are_not_counted() -> None:
    assert scored(random_pattern(1)).rows.flatten().tolist() == [4, 2, 2]


def test_dead_rows_are_not_counted() -> None:
    pattern = focused(DUPLICATE)
    pattern[:, 2] = 0
    found = scored(pattern)
    assert float(found.rows[DUPLICATE]) == 1 and float(found.share[DUPLICATE]) == 1


def test_a_prompt_without_repeats_has_no_induction() -> None:
    found = scored(random_pattern(), torch.arange(5))
    assert found.share[INDUCTION].isnan().all() and found.share[PREVIOUS].isfinite().all()


def test_nan_is_not_hidden() -> None:
    pattern = random_pattern()
    pattern[0, 4, 0] = torch.nan
    found = scored(pattern)
    assert found.share[:, 0, 0].isnan().all() and found.share[:, 0, 1].isfinite().all()


def test_mirroring_a_head_turns_the_sign_alone() -> None:
    pattern = random_pattern()
    one, mirrored = scored(pattern), scored(-pattern)
    for name, values in one.tensors().items():
        turned = -values if name in {"signed", "signed_null", "sign", "sign_null"} else values
        assert_close(getattr(mirrored, name), turned)


def test_what_the_scale_of_a_head_changes_is_called_gauge_dependent() -> None:
    pattern = random_pattern()
    one, scaled = scored(pattern), scored(-3 * pattern)
    changed = {name for name, values in one.tensors().items() if not torch.allclose(values, getattr(scaled, name))}
    assert changed == set(one.about.gauge_dependent)


def every_shuffle(pattern: Tensor) -> list[Tensor]:
    """Row 2 of one head of three keys, its weights in every order; the other rows as they are."""
    shuffles = []
    for order in itertools.permutations(range(3)):
        shuffled = pattern.clone()
        shuffled[:, 2] = pattern[:, 2, list(order)]
        shuffles.append(shuffled)
    return shuffles


def test_the_null_is_the_mean_over_all_shuffles() -> None:
    ids = torch.tensor([5, 6, 5])  # the duplicate and the induction detector see row 2 alone
    pattern = random_pattern(1, 3)
    found = scored(pattern, ids)
    drawn = [scored(one, ids) for one in every_shuffle(pattern)]
    for name in ("share", "signed"):
        values = torch.stack([getattr(one, name) for one in drawn])[:, DUPLICATE:]
        assert_close(getattr(found, f"{name}_null")[DUPLICATE:], values.mean(0))
        assert_close(getattr(found, f"{name}_null_spread")[DUPLICATE:], values.std(0, correction=0))


def test_several_cells_in_a_row_are_drawn_without_return() -> None:
    ids = torch.tensor([5, 5, 5])  # row 2 has two duplicates of its three keys, row 1 one of two
    pattern = random_pattern(1, 3)
    found = scored(pattern, ids)
    sums = [
        (pattern[0, 2][list(pair)].sum() + pattern[0, 1][one]) / 2
        for pair in itertools.combinations(range(3), 2)
        for one in range(2)
    ]
    values = torch.stack(sums)
    assert_close(found.signed_null[DUPLICATE, 0, 0], values.mean())
    assert_close(found.signed_null_spread[DUPLICATE, 0, 0], values.std(correction=0))


def test_only_visible_keys_are_expected() -> None:
    visible = causal(5).triu(-1)  # a window of two keys
    found = detector_scores((torch.rand(1, 1, 5, 5) + 0.1) * visible, IDS, visible)
    assert float(found.share_null[PREVIOUS]) == pytest.approx(0.5)
    assert found.share[DUPLICATE].isnan().all()


def test_an_induction_head_is_certain_on_the_second_copy() -> None:
    ids = torch.randperm(30)[:8].repeat(2)
    pattern = targets(ids)[INDUCTION].double()
    found = detector_scores(pattern[None, None], ids, causal(16))
    assert float(found.share[INDUCTION]) == 1 and float(found.rows[INDUCTION]) == 8
    assert float(found.share_null[INDUCTION]) == pytest.approx(sum(1 / n for n in range(9, 17)) / 8)


VOCABULARY, MODEL, HEAD = 11, 6, 4


def copying_case(heads: int = 3, positions: int = 7) -> dict[str, Tensor]:
    torch.manual_seed(2)
    pattern = torch.randn(2, heads, positions, positions, dtype=torch.float64).tril()
    value = torch.randn(2, positions, heads, HEAD, dtype=torch.float64)
    W_O = torch.randn(2, heads, HEAD, MODEL, dtype=torch.float64)
    W_U = torch.randn(MODEL, VOCABULARY, dtype=torch.float64)
    ids = torch.randint(0, VOCABULARY, (positions,))
    return {"pattern": pattern, "value": value, "W_O": W_O, "W_U": W_U, "ids": ids}


def plainly(pattern: Tensor, value: Tensor, W_O: Tensor, W_U: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Copying and suppression cell by cell, for the tokens that the sources are said to be."""
    layers, heads, queries, keys = pattern.shape
    kept = torch.zeros(2, layers, heads, dtype=pattern.dtype)
    whole = torch.zeros(layers, heads, dtype=pattern.dtype)
    for layer, head, d, s in itertools.product(*map(range, (layers, heads, queries, keys))):
        logits = pattern[layer, head, d, s] * value[layer, s, head] @ W_O[layer, head] @ W_U
        effect = logits[tokens[s]] - logits.mean()
        kept[0, layer, head] += effect.clamp(min=0)
        kept[1, layer, head] += (-effect).clamp(min=0)
        whole[layer, head] += logits.std(correction=0)
    return kept[0] / whole, kept[1] / whole


def test_copying_is_its_definition() -> None:
    case = copying_case()
    found = prompt_copying(**case)
    copying, suppression = plainly(*list(case.values())[:4], case["ids"])
    close(found.copying, copying, 1e-10)
    close(found.suppression, suppression, 1e-10)


def test_the_null_draws_the_tokens_of_sources_anew() -> None:
    case = copying_case(heads=1, positions=3)
    found = prompt_copying(**case)
    drawn = [
        plainly(*list(case.values())[:4], case["ids"][list(picked)])[0]
        for picked in itertools.product(range(3), repeat=3)
    ]
    values = torch.stack(drawn)
    close(found.copying_null, values.mean(0), 1e-10)
    close(found.copying_null_spread, values.std(0, correction=0), 1e-10)


def hand_made(sign: float) -> PromptCopying:
    """A head whose OV is sign × the identity of tokens, attending with positive weights to all it sees."""
    ids = torch.arange(6)
    tokens = torch.eye(6, dtype=torch.float64)
    pattern = torch.ones(1, 1, 6, 6, dtype=torch.float64).tril()
    return prompt_copying(pattern, sign * tokens[None, :, None], tokens[None, None], tokens, ids)


def test_a_head_that_copies_copies_alone() -> None:
    found = hand_made(1.0)
    assert float(found.copying) == pytest.approx(math.sqrt(5)) and float(found.suppression) == 0
    assert float(found.copying) > float(found.copying_null + found.copying_null_spread)


def test_a_head_that_suppresses_suppresses_alone() -> None:
    found = hand_made(-1.0)
    assert float(found.suppression) == pytest.approx(math.sqrt(5)) and float(found.copying) == 0


@pytest.mark.parametrize("gain", [-1.0, 2.0, -0.5])
def test_copying_does_not_know_the_gauge(gain: float) -> None:
    case, mix = copying_case(), torch.randn(HEAD, HEAD, dtype=torch.float64)
    one = prompt_copying(**case)
    changed = {
        **case,
        "pattern": gain * case["pattern"],
        "value": case["value"] @ mix / gain,
        "W_O": mix.inverse() @ case["W_O"],
    }
    other = prompt_copying(**changed)
    for name, values in one.tensors().items():
        close(getattr(other, name), values, 1e-8)


def test_a_head_without_effect_has_no_copying() -> None:
    case = copying_case()
    case["pattern"][0, 1] = 0
    assert prompt_copying(**case).copying[0].isnan().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("family", "name"),
    [*((family, "cog") for family in CONFIGS), *(("llama", name) for name in VARIANTS if name != "cog")],
)
def test_the_rows_read_every_family_and_variant(family: str, name: str) -> None:
    model = hooked(attached(family, name))
    ids = (*random_ids(1, 9)[0].tolist(), 40, 41, 40, 41)
    [run] = gathered_activations(
        model, [PromptTokens(ids, tuple(map(str, ids)))], [need for row in ROWS for need in row.needs]
    )
    setting = Setting(model_facts(model), lambda: head_weights(model))
    found, copying = (row.compute(setting, run) for row in ROWS)
    assert isinstance(found, DetectorScores) and isinstance(copying, PromptCopying)
    assert found.share.isfinite().all() and found.share.max() <= 1 + 1e-5
    assert copying.copying.shape == (3, 4) and copying.copying.isfinite().all()


def test_the_figure_offers_every_reading_and_marks_the_gauge() -> None:
    figure = scored(random_pattern()).figure()
    labels = [button.label for button in figure.layout.updatemenus[0].buttons]
    assert labels[:2] == ["previous token: share", "duplicate token: share"]
    assert labels[3] == "previous token: signed (gauge-dependent)" and len(figure.data) == 9
    assert [trace.visible for trace in figure.data] == [True] + [False] * 8
    assert figure.layout.updatemenus[0].buttons[4].args[0]["visible"] == [i == 4 for i in range(9)]


def test_the_figure_shows_the_null() -> None:
    found = scored(random_pattern())
    trace = found.figure().data[INDUCTION]
    mean, spread = found.share_null[INDUCTION, 0, 1], found.share_null_spread[INDUCTION, 0, 1]
    assert trace.hovertext[0, 1] == f"{mean:.4f} ± {spread:.4f}"
    assert trace.z[0, 1] == pytest.approx(float(found.share[INDUCTION, 0, 1]))


def test_the_figure_of_copying_has_both_sides() -> None:
    found = prompt_copying(**copying_case())
    assert [trace.name for trace in found.figure().data] == ["copying", "suppression"]

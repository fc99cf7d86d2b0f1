"""E14: ALiBi and unscaled scores are those of the papers, SGD is SGD, sequences are what they are called, verdicts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from headscope.interp.arms.outcome import Outcome
from headscope.interp.arms.trial import DIVERGED, Trial, TrialOutcome
from headscope.interp.experiments.e14_expressive_sequences.alibi_transformer import (
    AlibiAttention,
    AlibiTransformer,
    alibi_bias,
    alibi_slopes,
)
from headscope.interp.experiments.e14_expressive_sequences.expressive_sequences import EXPERIMENT
from headscope.interp.experiments.e14_expressive_sequences.sequence_training import (
    FRESH,
    HELD_OUT,
    KINDS,
    MOMENTUM,
    RATE,
    accuracy_on,
    sequences_of,
    train_by_sgd,
)
from headscope.interp.experiments.e14_expressive_sequences.sequence_trials import ARMS, SIZES
from headscope.models.attention.attend import attend
from headscope.models.data.tasks.delayed_sums import DelayedSum, windows_from

D_MODEL, HEADS, D_HEAD, LENGTH = 12, 4, 3, 7
HIDDEN = torch.randn(2, LENGTH, D_MODEL, generator=torch.Generator().manual_seed(0))

every_arm = pytest.mark.parametrize("variant", ARMS)


def attention(variant: str) -> AlibiAttention:
    torch.manual_seed(0)
    return AlibiAttention(variant, D_MODEL, HEADS)


def test_slopes_are_a_geometric_row_down_to_two_to_the_minus_eight() -> None:
    assert alibi_slopes(8).tolist() == [2.0**-power for power in range(1, 9)]
    assert alibi_slopes(4).tolist() == [2.0**-power for power in (2, 4, 6, 8)]


def test_the_bias_is_minus_the_slope_for_each_token_between_and_the_same_for_all_queries() -> None:
    bias = alibi_bias(HEADS, LENGTH)
    for distance in range(LENGTH):
        for head, slope in enumerate(alibi_slopes(HEADS)):
            diagonal = bias[head].diagonal(-distance)
            torch.testing.assert_close(diagonal, torch.full_like(diagonal, -float(slope) * distance))


@every_arm
def test_scores_are_dot_products_with_the_bias_and_only_softmax_scales_them(variant: str) -> None:
    layer = attention(variant)
    query, key = layer.by_head(layer.q_proj(HIDDEN)), layer.by_head(layer.k_proj(HIDDEN))
    scale = {"softmax": D_HEAD**-0.5, "expressive": 1.0}[variant]
    plain = torch.einsum("bhqd,bhkd->bhqk", query, key) * scale
    torch.testing.assert_close(layer.scores(HIDDEN) - plain, alibi_bias(HEADS, LENGTH).expand_as(plain))


def test_expressive_weights_are_of_the_squared_unscaled_score() -> None:
    layer = attention("expressive")
    z = layer.scores(HIDDEN).double()
    f = (z.square() / (1 + z.square())).tril()
    expected = f / f.sum(-1, keepdim=True) @ layer.by_head(layer.v_proj(HIDDEN)).double()
    by_hand = layer.o_proj(expected.float().transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(HIDDEN), by_hand)


@every_arm
def test_it_is_attend_with_the_distance_as_two_more_entries_of_queries_and_keys(variant: str) -> None:
    layer, place = attention(variant), torch.arange(LENGTH, dtype=torch.float32)
    query, key, value = (layer.by_head(part(HIDDEN)) for part in (layer.q_proj, layer.k_proj, layer.v_proj))
    slope = alibi_slopes(HEADS)[None, :, None, None].expand(2, -1, LENGTH, -1)
    ones = torch.ones_like(slope)
    wide_query = torch.cat([query * layer.scale, -slope * place[:, None], slope], -1)
    wide_key = torch.cat([key, ones, ones * place[:, None]], -1)
    mixed = attend(variant, wide_query, wide_key, value, scale=1.0)
    by_attend = layer.o_proj(mixed.output.transpose(1, 2).flatten(2))
    torch.testing.assert_close(layer(HIDDEN), by_attend, atol=1e-5, rtol=1e-4)


@every_arm
def test_the_future_is_invisible(variant: str) -> None:
    model = AlibiTransformer(variant, 5, D_MODEL, 2, HEADS, seed=0)
    ids = torch.randint(5, (3, LENGTH), generator=torch.Generator().manual_seed(0))
    other = ids.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 5
    torch.testing.assert_close(model(ids)[:, :4], model(other)[:, :4])
    assert not torch.allclose(model(ids)[:, 4:], model(other)[:, 4:])


def test_both_variants_begin_equal_and_another_seed_does_not() -> None:
    first, second, other = (
        AlibiTransformer(variant, 5, D_MODEL, 2, HEADS, seed).state_dict()
        for variant, seed in (("softmax", 0), ("expressive", 0), ("softmax", 1))
    )
    assert all(torch.equal(first[name], second[name]) for name in first) and first.keys() == second.keys()
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_every_map_has_a_bias_and_the_mlp_is_four_widths() -> None:
    model = AlibiTransformer("expressive", 5, D_MODEL, 2, HEADS, seed=0)
    maps = [item for item in model.modules() if isinstance(item, torch.nn.Linear)]
    assert len(maps) == 2 * 6 + 1 and all(item.bias is not None for item in maps)
    assert [item.out_features for item in maps].count(4 * D_MODEL) == 2
    assert sum(isinstance(item, torch.nn.LayerNorm) for item in model.modules()) == 2 * 2 + 1


def test_sgd_goes_down_with_momentum() -> None:
    class Scalar(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = torch.nn.Parameter(torch.zeros(1))

    scalar, reached = Scalar(), dict[int, float]()
    train_by_sgd(scalar, lambda step: scalar.x.sum(), 2, lambda step: reached.update({step: scalar.x.item()}))
    assert [*reached.values()] == pytest.approx([0, -RATE, -RATE * (2 + MOMENTUM)]) and (RATE, MOMENTUM) == (0.01, 0.7)
    with pytest.raises(FloatingPointError, match="the loss of step 0 is inf"):
        train_by_sgd(scalar, lambda step: scalar.x.sum() + torch.inf, 1)


def test_fresh_sequences_begin_anywhere_and_held_out_ones_where_no_training_did() -> None:
    law = DelayedSum(4, 4)
    trained, measured = {}, {}
    for kind in KINDS:
        sequences = sequences_of(kind, law, 12, 512)
        drawn = sequences.training(np.random.default_rng(0), 4000)
        trained[kind], measured[kind] = (
            {*(item.ids[:, :4].numpy() @ 4 ** np.arange(4)[::-1]).tolist()} for item in (drawn, sequences.measured)
        )
    assert len(trained[FRESH]) == 256 and len(measured[FRESH]) > 200
    assert measured[HELD_OUT] == {*law.split().held_out.tolist()}
    assert trained[HELD_OUT] == {*law.split().training.tolist()}


def test_a_cell_of_too_few_cycles_is_asked_of_fresh_sequences_alone() -> None:
    size = SIZES["default"]
    assert [*size.laws(FRESH)] == ["(4, 5)", "(5, 4)", "(8, 4)", "(16, 3)"]
    assert [*size.laws(HELD_OUT)] == ["(4, 5)", "(8, 4)", "(16, 3)"]


def test_a_model_that_knows_the_law_answers_all_and_one_that_knows_nothing_a_share() -> None:
    class Knowing(torch.nn.Module):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            before = torch.cat([torch.zeros_like(ids[:, :3]), ids[:, :-3]], dim=1)
            return torch.nn.functional.one_hot((ids + before) % 4, 4).float()

    law = DelayedSum(4, 4)
    examples = windows_from(law, np.arange(256), 12)
    assert accuracy_on(Knowing(), examples) == 1
    blind = accuracy_on(torch.nn.Sequential(torch.nn.Embedding.from_pretrained(torch.eye(4))), examples)
    assert blind == pytest.approx(0.25, abs=0.1)


SOFTMAX, GOOD = {"(4, 5)": 0.5, "(8, 4)": 0.3}, {"(4, 5)": 0.97, "(8, 4)": 0.4}
UNSOLVED = {"(4, 5)": 0.9, "(8, 4)": 0.4}  # more accurate, and as many solved
NARROW = {"(4, 5)": 0.96, "(8, 4)": 0.1}  # more solved, and on average no more accurate than what is beside it
ALMOST = {"(4, 5)": 0.9, "(8, 4)": 0.94}


def made(expressive: dict[str, dict[str, float]], softmax: dict[str, dict[str, float]]) -> Outcome:
    """An outcome of three seeds that agree, by the kind of sequences and the cell."""
    trials = [
        TrialOutcome(Trial({"variant": variant, "sequences": kind, "cell": cell}, seed), numbers_of(accuracy), 0.0)
        for seed in range(3)
        for kind in KINDS
        for variant, of_kind in (("expressive", expressive), ("softmax", softmax))
        for cell, accuracy in of_kind[kind].items()
    ]
    return Outcome("E14", "made", {}, {}, tuple(trials))


def numbers_of(accuracy: float) -> dict[str, Any]:
    """The numbers of a trial that grew to an accuracy."""
    return {"accuracy": accuracy, "chance": 0.2, "steps": [0, 1], "accuracy_by_step": [0.2, accuracy]}


def answers(expressive: dict[str, dict[str, float]], softmax: dict[str, dict[str, float]]) -> list[str]:
    return [str(verdict.answer) for verdict in EXPERIMENT.judge(made(expressive, softmax))]


def test_what_the_paper_says_is_reproduced_and_its_opposite_is_opposite() -> None:
    good, low = dict.fromkeys(KINDS, GOOD), dict.fromkeys(KINDS, SOFTMAX)
    assert answers(good, low) == ["reproduced"] * 4 and answers(low, good) == ["opposite"] * 4
    assert answers(low, low) == ["no difference", "not measurable"] * 2
    blind = dict.fromkeys(KINDS, dict.fromkeys(GOOD, 0.2))
    assert answers(blind, blind) == ["not measurable"] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_each_claim_fails_by_its_own_number_alone(kind: str) -> None:
    first = 2 * KINDS.index(kind)
    softmax = dict.fromkeys(KINDS, SOFTMAX)
    solved = answers(dict.fromkeys(KINDS, GOOD) | {kind: UNSOLVED}, softmax)
    assert [at for at, answer in enumerate(solved) if answer != "reproduced"] == [first + 1]
    accurate = answers(dict.fromkeys(KINDS, GOOD) | {kind: NARROW}, softmax | {kind: ALMOST})
    assert [at for at, answer in enumerate(accurate) if answer != "reproduced"] == [first]


def test_what_diverged_is_not_measured_and_the_rest_is_drawn() -> None:
    outcome = made(dict.fromkeys(KINDS, GOOD), dict.fromkeys(KINDS, SOFTMAX))
    trials = [
        replace(item, numbers={DIVERGED: 1}) if item.trial.matches(variant="softmax", sequences=FRESH) else item
        for item in outcome.trials
    ]
    outcome = replace(outcome, trials=tuple(trials))
    given = [str(verdict.answer) for verdict in EXPERIMENT.judge(outcome)]
    assert given == ["not measured", "not measured", "reproduced", "reproduced"]
    assert [key for key, item in EXPERIMENT.results(outcome).items() if not item.figure().data] == []

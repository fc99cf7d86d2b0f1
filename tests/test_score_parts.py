"""Why a head looks where it does: a score split by what its query and its key are made of."""

from typing import Any

import pytest
import torch
from hooked_cases import close
from tiny_decoders import CONFIGS, attached, random_ids
from tiny_models import hooked_tiny

from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.reading.prompt_tokens import PromptTokens
from headscope.interp.score.cell import score_parts
from headscope.interp.score.parts import Cell, ScoreParts, cell_of, products_of_parts
from headscope.models.attention import VARIANTS
from headscope.models.hooked import hooked

WAYS = ("phi", "granite", "smollm3", "glm", "ernie4_5", "mistral", "apertus", "hunyuan_v1_dense")  # of their own
LENGTH = 9


def prompt(seed: int = 1) -> PromptTokens:
    ids = tuple(random_ids(seed, LENGTH)[0].tolist())
    return PromptTokens(ids, tuple(map(str, ids)))


def score_in_the_model(model: Any, tokens: PromptTokens, cell: Cell) -> torch.Tensor:
    """What the kernel weighs there, as the hook has it."""
    _, cache = model.run_with_cache(torch.tensor([tokens.ids]))
    return cache[f"blocks.{cell.layer}.attn.hook_attn_scores"][0, cell.head, cell.query, cell.key]


def whole(result: ScoreParts) -> torch.Tensor:
    """The sum of all parts, under the soft cap of the scores."""
    score = result.part.sum()
    return score if result.soft_cap is None else result.soft_cap * torch.tanh(score / result.soft_cap)


@pytest.mark.parametrize("family", dict.fromkeys((*CONFIGS, *WAYS)))
def test_parts_sum_to_the_score_in_every_family(family: str) -> None:
    model, tokens = hooked(attached(family, "softmax")), prompt()
    for cell in (None, Cell(1, 1, LENGTH - 1, LENGTH - 2)):
        result = score_parts(model, tokens, cell)
        close(whole(result), score_in_the_model(model, tokens, result.place))
        assert result.score == pytest.approx(float(result.part.sum()), abs=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_sum_to_the_score_of_every_variant(variant: str) -> None:
    model, tokens = hooked(attached("llama", variant)), prompt()
    result = score_parts(model, tokens)
    close(whole(result), score_in_the_model(model, tokens, result.place))


def test_the_default_cell_has_the_largest_weight_of_the_last_row() -> None:
    model, tokens = hooked(attached("llama", "cog")), prompt()
    result, (_, cache) = score_parts(model, tokens), model.run_with_cache(torch.tensor([tokens.ids]))
    rows = torch.stack(
        [cache[f"blocks.{layer}.attn.hook_pattern"][0, :, -1, 1:-1] for layer in range(model.cfg.n_layers)]
    )
    assert abs(result.weight) == pytest.approx(float(rows.abs().max()), rel=1e-5)
    assert result.place.query == LENGTH - 1


def test_the_null_of_a_pair_is_its_mean_over_the_keys_that_the_row_sees() -> None:
    query, keys = torch.randn(3, 4), torch.randn(2, 5, 4)
    here, mean, spread = products_of_parts(query, keys, 2)
    by_hand = torch.stack([query @ keys[:, key].T for key in range(5)])
    close(here, by_hand[2])
    close(mean, by_hand.mean(0))
    close(spread, by_hand.std(0, correction=0))


def test_a_first_layer_is_made_of_the_embedding_alone() -> None:
    result = score_parts(hooked(attached("llama", "softmax")), prompt(), Cell(0, 0, 4, 2))
    assert result.labels["query_part"] == ("embedding",)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (Cell(9, 0, 3, 2), "L9H0 was asked for"),
        (Cell(0, 9, 3, 2), "L0H9 was asked for"),
        (Cell(0, 0, 99, 2), "position 99 was asked for; the prompt has positions 0 to 8"),
        (Cell(0, 0, 2, 3), "L0H0 does not see position 3 from 2"),
    ],
)
def test_a_cell_that_is_not_there_is_refused(cell: Cell, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        score_parts(hooked(attached("llama", "softmax")), prompt(), cell)


def test_a_cell_is_written_as_head_query_and_key() -> None:
    assert cell_of("l4h0:17:16") == Cell(4, 0, 17, 16)
    assert cell_of(str(Cell(4, 0, 17, 16))) == Cell(4, 0, 17, 16)
    with pytest.raises(ValueError, match="a cell is written as L4H0:17:16, head, query and key, got 'L4:2'"):
        Choices(cell="L4:2")


def test_a_chosen_cell_is_split_by_analyse_and_drawn() -> None:
    found = analyse(hooked_tiny("cog"), "x y x y", ["score_parts"], choices=Choices(cell="L1H0:3:1"))
    result = found.of("score_parts", ScoreParts)
    assert result.place == Cell(1, 0, 3, 1)
    [cells] = result.figure().data
    assert float(cells.z.sum()) == pytest.approx(result.score, abs=1e-4)

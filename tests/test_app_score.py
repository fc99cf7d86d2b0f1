"""The Attention page says why a head looks there."""

import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_app_pages import page
from tiny_models import CORPUS, tiny_folder

from headscope.app.panels.score import MOST_PAIRS
from headscope.interp.score.parts import SCORE_PARTS, ScoreParts, leading_pairs

pytestmark = pytest.mark.usefixtures("no_page_waits")


@pytest.fixture(scope="module")
def why(tmp_path_factory: pytest.TempPathFactory) -> AppTest:
    folder = tiny_folder(tmp_path_factory.mktemp("models") / "cog", "cog", layers="inner")
    return page(folder, CORPUS[0], score_open="true", layer="1", head="0")


def test_the_score_of_the_strongest_key_of_the_chosen_row_is_split(why: AppTest) -> None:
    assert not why.exception and not why.error
    assert "Score by parts" in [title.value for title in why.subheader]
    weights = [abs(float(option.rpartition(" ")[2])) for option in why.selectbox("score_key").options]
    assert weights == sorted(weights, reverse=True)


def test_another_key_is_split_when_it_is_chosen(why: AppTest) -> None:
    chosen = why.selectbox("score_key")
    assert not chosen.select_index(1).run().exception
    assert "Score by parts" in [title.value for title in why.subheader]


def result(part: torch.Tensor, null: torch.Tensor, spread: torch.Tensor) -> ScoreParts:
    labels = {"query_part": ("embedding", "L0H0"), "key_part": ("embedding", "L0 MLP")}
    return ScoreParts(
        part, null, spread, score=0.0, weight=0.0, soft_cap=None, cell="L1H0:3:1", about=SCORE_PARTS, labels=labels
    )


def test_leading_pairs_lie_further_than_two_spreads_from_other_keys_and_begin_with_the_furthest() -> None:
    part = torch.tensor([[1.0, -5.0], [3.0, 9.0]])
    pairs = leading_pairs(result(part, torch.zeros(2, 2), torch.tensor([[1.0, 1.0], [1.0, 6.0]])), MOST_PAIRS)
    assert pairs == [("embedding", "L0 MLP", -5.0), ("L0H0", "embedding", 3.0)]


def test_no_pair_leads_where_all_are_as_for_other_keys() -> None:
    part = torch.ones(2, 2)
    assert leading_pairs(result(part, part, torch.zeros(2, 2)), MOST_PAIRS) == []

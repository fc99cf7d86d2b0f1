"""What stands out: which heads, in which words, at the top of the table and of the report, which show no path."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from test_app_command import headscope
from test_report import ABOUT, FACTS, WORDS, body
from tiny_models import hooked_tiny, tiny_folder

from headscope.app.terminal.heads_in_terminal import (
    ABOVE,
    BELOW,
    cells,
    heads_caption,
    standing_out_first,
)
from headscope.app.terminal.inspection import (
    Inspection,
    as_csv,
    as_json,
    inspection_outcome,
    print_heads,
    short_names,
    write_report,
)
from headscope.app.terminal.shown_heads import ShownHeads
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.head_columns import HeadColumns
from headscope.interp.asking.listed_rows import telling_numbers
from headscope.interp.asking.same_numbers import numbers_that_differ, same_in_words
from headscope.interp.asking.standing_out import head_numbers, standing_out_in_words, standing_out_of_each
from headscope.interp.figures.patterns import pattern_mosaic
from headscope.interp.heads.patterns import MOST_CELLS, SIDE, pooled_patterns
from headscope.interp.results.head_score import HeadScore

SCORE = ("score.value",)


def findings(value: Sequence[float], null: Sequence[float], spread: Sequence[float], model: str = "cog") -> Findings:
    """One score of four heads in two layers."""
    score = HeadScore(*(torch.tensor(one).reshape(2, 2) for one in (value, null, spread)), about=ABOUT)
    return Findings(model, FACTS, (WORDS,), {"score": score}, {})


def arrays(columns: Mapping[str, Sequence[object]]) -> HeadColumns:
    return {name: np.array(column) for name, column in columns.items()}


@pytest.fixture
def heads() -> HeadColumns:
    """Four heads of which the third lies far above its null and the fourth far below."""
    score = {"score.value": [0.1, 0.2, 0.9, 0.1], "score.value_null": [0.1, 0.1, 0.1, 0.9]}
    place = {"model": ["m"] * 4, "layer": [0, 0, 1, 1], "head": [0, 1, 0, 1], "attention": ["cog"] * 4}
    return arrays({**place, **score, "score.value_null_spread": [0.1] * 4})


def test_a_head_stands_out_beyond_three_spreads_of_its_own_null() -> None:
    within, beyond = (
        standing_out_in_words(findings([0.0, 0.0, far, 0.0], [0.0] * 4, [9.0, 9.0, 0.1, 9.0]), SCORE)
        for far in (0.29, 0.31)
    )
    assert within.startswith("None of 4 heads stands out")
    assert beyond.startswith("1 of 4 heads stands out") and "1 in score (L1H0 0.31, null 0.00 ± 0.10)" in beyond


def test_a_high_score_beside_a_wide_null_is_named_with_that_null() -> None:
    words = standing_out_in_words(
        findings([0.57, 0.0, 0.81, 0.0], [0.08, 0.0, 0.11, 0.0], [0.15, 1.0, 0.28, 1.0]), SCORE
    )
    standing, wide = words.split(". ", 1)
    assert "L0H0 0.57" in standing and "L1H0" not in standing
    assert "L1H0 0.81, null 0.11 ± 0.28" in wide


def test_no_wide_null_is_spoken_of_where_the_furthest_head_stands_out() -> None:
    words = standing_out_in_words(findings([0.9, 0.2, 0.2, 0.2], [0.1] * 4, [0.1] * 4), SCORE)
    assert words.count(".") == words.count("0.") + 1


def test_a_number_in_which_most_heads_stand_out_singles_out_none() -> None:
    both = findings([9.0, 9.0, 9.0, 0.0], [0.0] * 4, [1.0] * 4)
    both.results["copying"] = findings([0.0, 0.0, 5.0, 0.0], [0.0] * 4, [1.0] * 4).results["score"]
    first, most = standing_out_in_words(both, ("score.value", "copying.value")).split(". Most")
    assert first.startswith("1 of 4 heads stands out") and "1 in copying (L1H0" in first
    assert "3 in score" in most


def test_a_null_without_a_spread_says_nothing() -> None:
    assert standing_out_in_words(findings([1.0] * 4, [0.0] * 4, [0.0] * 4), SCORE) == ""


def test_of_two_models_each_sentence_names_its_own() -> None:
    models = [findings([9.0] * 4, [0.0] * 4, [1.0] * 4, model) for model in ("cog", "softmax")]
    assert [line.split(":")[0] for line in standing_out_of_each(models, SCORE)] == ["cog", "softmax"]


def test_heads_that_stand_out_come_first_and_are_marked(heads: HeadColumns) -> None:
    first = standing_out_first(heads, SCORE)
    assert [*zip(first["layer"], first["head"], strict=True)] == [(1, 0), (1, 1), (0, 0), (0, 1)]
    marks = [cell.split()[0].lstrip("0.123456789") for cell in cells(first, *SCORE)]
    assert marks == [ABOVE, BELOW, "", ""]
    assert "more than 3 spreads" in heads_caption(first, SCORE, ())


def test_of_heads_that_stand_out_in_as_many_numbers_the_furthest_come_first(heads: HeadColumns) -> None:
    first = standing_out_first({**heads, "score.value": np.array([0.5, 0.1, 0.9, 0.9])}, SCORE)
    assert [*zip(first["layer"], first["head"], strict=True)] == [(1, 0), (0, 0), (0, 1), (1, 1)]


def test_a_number_that_is_the_same_for_every_head_is_a_line_and_no_column(heads: HeadColumns) -> None:
    table = {**heads, "negative_mass.share": np.zeros(4)}
    assert numbers_that_differ(table, [*SCORE, "negative_mass.share"]) == [*SCORE]
    said = same_in_words(table, [*SCORE, "negative_mass.share"])
    assert said == ["The same for every head: negative mass share 0.000."]
    assert (numbers_that_differ(table, ["negative_mass.share"]), same_in_words(heads, SCORE)) == (
        ["negative_mass.share"],
        [],
    )


@pytest.mark.parametrize(
    "changes", [{"score.value_null_spread": np.zeros(4)}, {"score.value_null": np.array([0.1, 0.2, 0.9, 0.1])}]
)
def test_a_null_that_cannot_differ_is_not_printed(changes: HeadColumns, heads: HeadColumns) -> None:
    kept = {name: column for name, column in heads.items() if not name.endswith("spread")}
    assert all("(" in cell for cell in cells(heads, *SCORE))
    assert [cell for cell in cells({**kept, **changes}, *SCORE) if "(" in cell] == []
    assert "null" not in heads_caption({**kept, **changes}, SCORE, ())


def test_of_heads_in_one_column_only_those_whose_null_can_differ_have_it(heads: HeadColumns) -> None:
    table = {**heads, "score.value_null_spread": np.array([0.1, 0.0, 0.1, 0.0])}
    assert ["(" in cell for cell in cells(table, *SCORE)] == [True, False, True, False]


def test_a_report_begins_with_what_stands_out_and_all_patterns() -> None:
    found = analyse(hooked_tiny("cog"), "x y x y", ["copying", "patterns"])
    page = body(found)
    [sentence] = standing_out_of_each([found], telling_numbers())
    assert page.split("</h1>")[1].startswith(f"<p><b>{sentence}")
    before_the_contents, rest = page.split("<nav>")
    assert before_the_contents.count('class="plotly-graph-div"') == 1 and "<h2>patterns</h2>" in before_the_contents
    assert "plotly-graph-div" in rest and "<h2>patterns</h2>" not in rest


def test_a_word_stands_once_in_the_name_of_a_number() -> None:
    found = analyse(hooked_tiny("cog"), "x y x y", ["prompt_copying"])
    assert [one.words for one in head_numbers(found, telling_numbers())] == ["prompt copying"]


def test_the_patterns_are_the_weights_of_every_head() -> None:
    model = hooked_tiny("cog")
    found = analyse(model, "x y x y", ["patterns"])["patterns"]
    _, cache = model.run_with_cache("x y x y")
    weights = torch.stack([cache[f"blocks.{layer}.attn.hook_pattern"][0] for layer in range(3)])
    lower = torch.ones_like(weights, dtype=torch.bool).tril()
    torch.testing.assert_close(found.tensors()["pattern"], weights.where(lower, torch.nan), equal_nan=True)


def test_patterns_of_long_prompts_and_many_heads_stay_small() -> None:
    weights = torch.zeros(2, 3, 100, 100)
    weights[1, 2, 70, 3] = -0.5
    small = pooled_patterns(weights, torch.ones(2, 100, 100, dtype=torch.bool).tril(), ("x",) * 100).pattern
    assert small.shape == (2, 3, SIDE, SIDE) and small[1, 2].nan_to_num().min() == -0.5
    many = pooled_patterns(torch.zeros(40, 40, 20, 20), torch.ones(40, 20, 20, dtype=torch.bool), ("x",) * 20).pattern
    assert many.numel() <= MOST_CELLS


def test_all_heads_stand_in_one_picture() -> None:
    picture = pattern_mosaic(torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4))
    assert picture.shape == (9, 14) and picture[5:, 5:9].flatten().tolist() == [*map(float, range(64, 80))]


def test_no_output_shows_where_a_model_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny_folder(tmp_path / "cog", "cog")
    tiny_folder(folder / "step-000001", "cog")
    found = inspection_outcome(
        Inspection((str(folder),), ("x y",), ("patterns", "copying", "trajectory"), None)
    ).findings
    write_report(found, tmp_path / "report.html")
    print_heads(found, ShownHeads(), only_telling=False)
    outputs = [
        capsys.readouterr().out,
        as_json(found),
        as_csv(found, ShownHeads()),
        (tmp_path / "report.html").read_text(encoding="utf-8"),
    ]
    assert [str(tmp_path) in text for text in outputs] == [False] * 4


def test_folders_are_called_by_as_many_parts_as_tell_them_apart() -> None:
    assert short_names(["cog", "/a/b/cog"]) == ["cog", "b/cog"]
    assert short_names(["/a/b/cog"]) == ["cog"] and short_names(["/a/x/m", "/a/y/m"]) == ["x/m", "y/m"]


def test_json_holds_the_patterns(tmp_path: Path) -> None:
    said = headscope("inspect", tiny_folder(tmp_path / "cog", "cog"), "--prompt", "x y", "--json", "--what", "patterns")
    axes = json.loads(said.stdout)["models"][0]["analyses"]["patterns"]["fields"]["pattern"]["axes"]
    assert axes == ["layer", "head", "query", "key"]

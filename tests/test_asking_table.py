"""The table of analyses over every variant: each gives a result that draws, tabulates and stores itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_decoders import CONFIGS, FIRST, attached
from tiny_models import hooked_tiny, tiny_folder, tiny_model, tiny_tokenizer

from headscope.interp.analysis import Analysis, Probe
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.findings import Findings
from headscope.interp.asking.table import ANALYSES, PARTS
from headscope.interp.reading.activations import MIXING, PATTERN
from headscope.interp.reading.model_facts import ModelFacts
from headscope.interp.report.page import report
from headscope.models.attention import VARIANTS
from headscope.models.hooked import hooked

PROMPT = "def __init__(self, x):\n    self.x = x <s>"


@pytest.fixture(scope="module", params=VARIANTS)
def findings(request: pytest.FixtureRequest) -> Findings:
    return analyse(hooked_tiny(request.param), PROMPT, "all")


def test_names_are_unique() -> None:
    assert len(ANALYSES) == sum(map(len, PARTS))


def applies(row: Analysis | Probe, facts: ModelFacts, *, digits: bool) -> bool:
    """Whether a row speaks of one prompt without a pair and a run; digits: the vocabulary has 0 and 1."""
    if isinstance(row, Analysis):
        return row.applies(facts)
    if row.name == "mechanism":
        return bool(facts.mechanisms)
    if row.name == "missing_mass":
        return any(VARIANTS[name].row_law.leaves_mass for name in facts.layer_variants)
    return not row.name.endswith(("patching", "trajectory")) and (digits or not row.name.endswith(("ones", "zero")))


def test_all_that_applies_is_found(findings: Findings) -> None:
    assert set(findings) == {name for name, row in ANALYSES.items() if applies(row, findings.facts, digits=True)}


def test_every_analysis_that_reads_weights_says_what_it_makes_of_their_laws() -> None:
    silent = {name for name, row in ANALYSES.items() if not row.row_laws}
    reading = {name for name, row in ANALYSES.items() if isinstance(row, Analysis) and {*row.needs} & {PATTERN, MIXING}}
    of_rows = {name for name, row in ANALYSES.items() if isinstance(row, Probe) and row.of_rows}
    assert silent & (reading | of_rows | {"interventions", "suppression", "mechanism", "missing_mass"}) == set()


def test_every_result_says_what_it_is(findings: Findings) -> None:
    said = {name: (one.about.title, one.about.unit, one.about.law, one.about.source) for name, one in findings.items()}
    assert [name for name, words in said.items() if not all(words)] == []


def test_every_result_says_in_plain_words_what_it_is(findings: Findings) -> None:
    symbols = set("‖Σ∂√·|=∈λσ")
    assert [name for name, one in findings.items() if not one.about.plain or symbols & set(one.about.plain)] == []


def test_every_null_is_explained(findings: Findings) -> None:
    has_null = {name for name, one in findings.items() if any(field.endswith("_null") for field in one.tensors())}
    assert [name for name in has_null if not findings[name].about.null] == []


def test_every_gauge_dependent_field_exists(findings: Findings) -> None:
    strangers = {name: set(one.about.gauge_dependent) - set(one.tensors()) for name, one in findings.items()}
    assert {name: fields for name, fields in strangers.items() if fields} == {}


def test_every_result_draws_tabulates_and_stores_itself(findings: Findings) -> None:
    for one in findings.values():
        assert one.figure().data
        assert len(one.to_frame()) and one.to_csv()
    assert json.dumps(findings.to_json(), allow_nan=False)


def test_a_token_is_never_markup_in_the_report(findings: Findings) -> None:
    shown = report([findings]).split("</script>", 1)[1]
    assert "<s>" not in shown.replace("\\u003cs\\u003e", "")


@pytest.mark.parametrize(
    ("family", "name"),
    [
        *((family, name) for family in CONFIGS for name in ("cogformer", "selective")),
        *(("llama", name) for name in FIRST),
    ],
)
def test_every_family_is_analysed_whole(family: str, name: str) -> None:
    found = analyse(hooked(attached(family, name)), "3 4 5 6 3 4 5 6 9 10", "all")
    assert set(found) == {name for name, row in ANALYSES.items() if applies(row, found.facts, digits=False)}
    assert json.dumps(found.to_json(), allow_nan=False)


def test_a_prompt_of_one_token_is_analysed_whole() -> None:
    found = analyse(hooked(attached("llama", "cogformer")), "3", "all")
    assert set(found) == {name for name, row in ANALYSES.items() if applies(row, found.facts, digits=False)}
    assert json.dumps(found.to_json(), allow_nan=False) and report([found])


def test_a_model_too_short_for_the_question_is_not_asked_it() -> None:
    found = analyse(hooked(tiny_model("cog", context=16), tiny_tokenizer()), "The if", "all")
    assert "collapse_prompt" in found and "collapse_count_ones" not in found


def test_several_prompts_have_means() -> None:
    found = analyse(hooked_tiny("cog"), [PROMPT, "return x, y"], "all")
    rows = {name: row for name, row in ANALYSES.items() if applies(row, found.facts, digits=True)}
    assert set(found) == {name for name, row in rows.items() if not row.over_tokens}
    once = {name for name, row in rows.items() if not (row.needs if isinstance(row, Analysis) else not row.together)}
    assert set(found.spread) == set(found) - once


def test_patching_is_found_where_a_corrupt_prompt_is_given() -> None:
    names = ["activation_patching", "attribution_patching", "path_patching"]
    found = analyse(hooked_tiny("cog"), "return x", names, choices=Choices("return y"))
    assert list(found) == names
    assert json.dumps(found.to_json(), allow_nan=False) and report([found])


def test_the_trajectory_of_a_run_is_found(tmp_path: Path) -> None:
    for step in ("step-000001", "step-000002"):
        tiny_folder(tmp_path / "run" / step, "cog")
    found = analyse(hooked_tiny("cog"), "return x", ["trajectory"], choices=Choices(run=tmp_path / "run"))
    assert found["trajectory"].facts()["runs"] == ("run",)
    assert "hold the same model" in found["trajectory"].facts()["warnings"][0]


def test_the_weights_of_a_head_are_read_once_however_many_prompts() -> None:
    model: Any = hooked_tiny("cog")
    one, two = (analyse(model, prompts, ["copying"]) for prompts in (PROMPT, [PROMPT, "return x"]))
    assert one["copying"].to_csv() == two["copying"].to_csv()

"""The table of analyses over every variant: each gives a result that draws, tabulates and stores itself."""

import json
from typing import Any

import pytest
from tiny_decoders import CONFIGS, SPECS, attached
from tiny_models import hooked_tiny

from interp.analyse import analyse
from interp.analyses import ANALYSES, PARTS
from interp.findings import Findings
from interp.report import report
from models.attention import VARIANTS
from models.hooked import hooked

PROMPT = "def __init__(self, x):\n    self.x = x <s>"


@pytest.fixture(scope="module", params=VARIANTS)
def findings(request: pytest.FixtureRequest) -> Findings:
    return analyse(hooked_tiny(request.param), PROMPT)


def test_names_are_unique() -> None:
    assert len(ANALYSES) == sum(map(len, PARTS))


def test_all_that_applies_is_found(findings: Findings) -> None:
    assert set(findings) == {name for name, row in ANALYSES.items() if row.applies(findings.facts)}


def test_every_result_says_what_it_is(findings: Findings) -> None:
    said = {name: (one.about.title, one.about.unit, one.about.law, one.about.source) for name, one in findings.items()}
    assert [name for name, words in said.items() if not all(words)] == []


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
        *(("llama", name) for name in SPECS),
    ],
)
def test_every_family_is_analysed_whole(family: str, name: str) -> None:
    found = analyse(hooked(attached(family, name)), "3 4 5 6 3 4 5 6 9 10")
    assert set(found) == {name for name, row in ANALYSES.items() if row.applies(found.facts)}
    assert json.dumps(found.to_json(), allow_nan=False)


def test_several_prompts_have_means() -> None:
    found = analyse(hooked_tiny("cog"), [PROMPT, "return x, y"])
    assert set(found) == {name for name, row in ANALYSES.items() if not row.over_tokens and row.applies(found.facts)}
    assert set(found.spread) == {name for name in found if ANALYSES[name].needs}


def test_the_weights_of_a_head_are_read_once_however_many_prompts() -> None:
    model: Any = hooked_tiny("cog")
    one, two = (analyse(model, prompts, ["copying"]) for prompts in (PROMPT, [PROMPT, "return x"]))
    assert one["copying"].to_csv() == two["copying"].to_csv()

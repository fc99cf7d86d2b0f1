"""What an analysis costs is known before it is run, and by default nothing that costs much is run."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from layer_calls import counted_tokens
from tiny_models import hooked_tiny

from headscope.interp.analysis import Analysis, Probe
from headscope.interp.asking import applicable as fitting
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.costs import CHEAP, costly_in_words, duration_in_words, passes
from headscope.interp.asking.findings import Interruption
from headscope.interp.asking.table import ANALYSES
from headscope.interp.reading.model_facts import ModelFacts, model_facts
from headscope.interp.reading.size import Size
from headscope.interp.weights.head_weights import head_weights

# As large as a common small model: 135 million parameters, 30 layers of 9 heads.
LAYERS, NUMBERS = ("softmax",) * 30, (9, 576, 2048, 49_152, 134_500_000)
SMALL = ModelFacts("softmax", "", True, LAYERS, ({},) * 30, (), *NUMBERS, True, True, None)
LONG = "def __init__(self, x, y): self.x, self.y = x, y"
LENGTH = 27  # its tokens
MANY_RUNS = ("interventions", "suppression", "squashing", "collapse_count_ones", "collapse_find_a_zero")
OF_WEIGHTS = ("diagonal_ranks", "composition")


def of_tiny(lengths: tuple[int, ...] = (8,)) -> Size:
    return Size(model_facts(hooked_tiny("cog")), lengths)


def test_a_common_small_model_costs_a_few_passes_by_default() -> None:
    rows = [row for row in ANALYSES.values() if not row.name.endswith(("patching", "trajectory"))]
    counts = {row.name: passes(row, Size(SMALL, (14,))) for row in rows}
    assert sum(count for count in counts.values() if count <= CHEAP) <= 10
    assert {*MANY_RUNS, *OF_WEIGHTS} <= {name for name, count in counts.items() if count > CHEAP}


def test_what_runs_the_model_itself_says_what_that_costs() -> None:
    size = replace(of_tiny(), snapshots=2)
    free = [row.name for row in ANALYSES.values() if isinstance(row, Probe) and not row.cost(size)]
    assert free == ["missing_mass", "row_statistics", "row_curves"]  # one pass


def test_a_longer_prompt_costs_no_less() -> None:
    short, long = of_tiny((4,)), of_tiny((40,))
    assert [row.name for row in ANALYSES.values() if row.cost(long) < row.cost(short)] == []


@pytest.mark.parametrize("name", ["interventions", "suppression", "activation_patching", "path_patching"])
def test_rows_that_are_run_are_what_is_counted(name: str) -> None:
    """Tokens that go through layers and through the head, beside those that an analysis of weights takes."""
    work = multiply_adds(name) - multiply_adds("copying")
    assert work == pytest.approx(ANALYSES[name].cost(of_tiny((LENGTH,))), rel=0.15)


def multiply_adds(name: str) -> float:
    """What the layers and the head of a tiny model do for one analysis of LENGTH tokens."""
    model, size, answered = hooked_tiny("cog"), of_tiny((LENGTH,)), list[int]()
    head_weights(model)  # which runs it
    model.unembed.hook_in.register_forward_hook(lambda hook, given, out: answered.append(given[0].shape[:2].numel()))
    with counted_tokens(model) as counts:
        analyse(model, LONG, [name], choices=Choices(LONG[:-1] + "x"))
    head = size.facts.d_model * size.facts.vocabulary
    return sum(counts) * (size.passes(1, LENGTH) - head) / size.layers + sum(answered) * head


def test_what_costs_much_is_named_with_an_estimate_and_not_run() -> None:
    found = analyse(hooked_tiny("cog"), LONG)
    assert {"interventions", "suppression"} <= set(found.costly) and not set(found.costly) & set(found)
    assert all(seconds > 0 for seconds in found.costly.values())
    assert set(found.to_json()["costly_seconds"]) == set(found.costly)


def test_by_name_or_with_all_it_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ANALYSES[name] for name in ("interventions", "negative_mass")]
    monkeypatch.setattr(fitting, "ANALYSES", {row.name: row for row in rows})
    model = hooked_tiny("cog")
    assert list(analyse(model, LONG)) == ["negative_mass"]
    assert set(analyse(model, LONG, "all")) == {"interventions", "negative_mass"}
    named = analyse(model, "return x", ["interventions"])
    assert (list(named), dict(named.costly)) == (["interventions"], {})


def test_what_is_finished_is_kept_when_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*asked: Any) -> Any:
        raise KeyboardInterrupt

    first = ANALYSES["negative_mass"]
    assert isinstance(first, Analysis)
    rows = [replace(first, name="last", compute=stopped), Probe("later", "a probe", stopped), first]
    monkeypatch.setattr(fitting, "ANALYSES", {row.name: row for row in reversed(rows)})
    with pytest.raises(Interruption, match="finished, and in the findings of this exception: negative_mass") as stop:
        analyse(hooked_tiny("cog"), "return x")
    kept = stop.value.findings["negative_mass"]
    monkeypatch.undo()
    torch.testing.assert_close(
        kept.tensors(), analyse(hooked_tiny("cog"), "return x", ["negative_mass"])["negative_mass"].tensors()
    )


def test_what_is_cheap_arrives_first_each_with_what_it_found() -> None:
    arrived: list[dict[str, Any]] = []
    names = ["diagonal_ranks", "copying", "negative_mass"]
    found = analyse(hooked_tiny("cog"), "return x", names, arrived=lambda findings: arrived.append({**findings}))
    assert [list(item) for item in arrived] == [["copying"], ["diagonal_ranks"], ["negative_mass"]]
    assert all(item[name] is not None and name in found for item in arrived for name in item)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.01, "1 s"), (12.4, "12 s"), (150.0, "2 min"), (3000.0, "50 min"), (7200.0, "2.0 h")]
)
def test_estimates_are_said_as_a_person_would(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words


def test_estimates_stand_least_first() -> None:
    assert costly_in_words({"slow": 600.0, "quick": 7.0}) == "quick (about 7 s), slow (about 10 min)"

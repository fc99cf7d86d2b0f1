"""The Experiments page without a browser: claims and figures of what is shipped and of own runs, and refusals."""

import json
import shutil
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from page_words import slips
from streamlit.testing.v1 import AppTest

from headscope.app.panels.experiments import FOREST_CODE, code_of, experiment_title
from headscope.app.serving.refusals import plain_markdown
from headscope.interp.arms.claim_intervals import chance_words
from headscope.interp.experiments.engine.publishing import (
    Publication,
    all_shipped_names,
    read_publication,
    results_file,
    shipped,
    shipped_claims,
    shipped_verdicts,
)

ROOT = Path(__file__).parents[1]
FIRST = all_shipped_names()[0]
ALL = [verdict for verdicts in shipped_verdicts().values() for verdict in verdicts]


def tried(**query: str) -> AppTest:
    """The page, which may have refused something in a box."""
    test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
    for field, value in query.items():
        test.query_params[field] = value
    test.switch_page(str(ROOT / "app" / "views" / "experiments.py"))
    test.run()
    assert not test.exception, [*test.exception]
    return test


def own_run(folder: Path, name: str = FIRST) -> Path:
    """A copy of the shipped results where a run of one's own would leave them."""
    place = folder / "runs" / "experiments" / name / "default" / "results.json"
    place.parent.mkdir(parents=True)
    shutil.copy(results_file(name), place)
    return place


def drawn_by(code: str) -> go.Figure:
    """The figure that the last line of the code makes."""
    *body, last = code.splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(body), names)  # what a page shows, run as a user would
    return eval(last, names)


def claims(test: AppTest) -> str:
    """The table of claims as HTML."""
    return next(one.proto.body for one in test.get("html") if "<th>claim</th>" in one.proto.body)


@pytest.mark.parametrize("name", all_shipped_names())
def test_every_claim_and_every_result_is_shown(name: str) -> None:
    test, found = tried(experiment=experiment_title(f"{name}, shipped")), shipped(name)
    assert not test.error, [*test.error]
    assert slips(test) == []
    assert claims(test).count("<tr>") == len(found.verdicts) + 1
    assert len(test.get("plotly_chart")) == len(found.results) + 1  # the forest plot of all claims
    assert any(plain_markdown(chance_words(ALL)) == one.value for one in test.markdown)


@pytest.mark.parametrize("name", all_shipped_names())
def test_the_code_of_a_panel_draws_its_figure(name: str) -> None:
    found = shipped(name)
    first = next(iter(found.results))
    assert drawn_by(code_of(found, first)).to_json() == found.results[first].figure().to_json()


def test_the_code_of_the_forest_draws_it() -> None:
    assert drawn_by(FOREST_CODE).to_json() == shipped_claims().figure().to_json()


def test_a_run_of_ones_own_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own_run(tmp_path)
    test = tried(experiment=experiment_title(f"{FIRST}, default run"))
    assert not test.error and test.selectbox(key="experiment").value == f"{FIRST}, default run"
    assert claims(test).count("<tr>") > 1


def test_results_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own_run(tmp_path).write_text(json.dumps({"format": "another"}))
    [box] = tried(experiment=experiment_title(f"{FIRST}, default run")).error
    assert "its format is" in box.value


def test_code_of_an_own_run_opens_its_file(tmp_path: Path) -> None:
    found: Publication = read_publication(own_run(tmp_path))
    first = next(iter(found.results))
    assert drawn_by(code_of(found, first)).to_json() == found.results[first].figure().to_json()

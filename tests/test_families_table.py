"""The table of families: what is kept of the last trial is what a trial gives now, and the command shows it."""

from pathlib import Path

import pytest
from test_app_command import headscope

from headscope.interp.families.table import family_rows, kept_trials, markdown_table
from headscope.interp.families.trial import FamilyTrial, family_trial, tried_families
from headscope.models.hosts.families import FAMILIES
from headscope.models.hosts.modality import TEXT

KEPT = {trial.family: trial for trial in kept_trials()}


def test_every_family_that_may_be_tried_is_in_the_table() -> None:
    assert sorted(KEPT) == tried_families()


def test_every_listed_family_of_texts_opens_and_has_all_its_hooks() -> None:
    listed = [KEPT[name] for name, family in FAMILIES.items() if family.modality is TEXT]
    assert [trial.family for trial in listed if trial.opens or trial.hooks] == []


def test_sixty_families_open_and_are_hooked() -> None:
    assert sum(not (trial.opens or trial.hooks) for trial in KEPT.values()) >= 60


@pytest.mark.parametrize("family", ["llama", "mixtral", "olmo2", "gpt_oss", "bloom", "nemotron_h"])
def test_a_trial_gives_what_is_kept_of_it(family: str) -> None:
    again, kept = family_trial(family), KEPT[family]
    assert (again.opens, again.hooks, again.sizes) == (kept.opens, kept.hooks, kept.sizes)
    assert set(again.circuits or ()) == set(kept.circuits or ())


def test_a_reason_stands_in_the_place_of_a_yes() -> None:
    rows = family_rows(
        [
            FamilyTrial("a", opens="not so"),
            FamilyTrial("b", off=0.0, circuits={"W_QK": "is off"}, beyond=("hook_gate",)),
        ]
    )
    assert rows[0][:2] == ("a", "no: not so")
    assert rows[1][1:5] == ("yes", "yes, off by 0e+00", "hook_gate", "without W_QK")


def test_those_that_open_come_first_in_markdown() -> None:
    table = markdown_table([FamilyTrial("a", opens="x | y"), FamilyTrial("b", off=0.0, circuits={})])
    assert table.splitlines()[2].startswith("| b |") and "x \\| y" in table


def test_the_command_shows_the_families_that_are_named() -> None:
    said = headscope("families", "mixtral", "--markdown")
    assert said.exit_code == 0 and said.stdout.count("\n") == 3 and "| mixtral | yes |" in said.stdout


def test_the_command_refuses_a_family_that_transformers_does_not_know() -> None:
    said = headscope("families", "mixtrall", "--try")
    assert said.exit_code == 1 and "did you mean 'mixtral'?" in said.stderr


def test_the_page_of_the_docs_is_the_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "families.md").read_text(encoding="utf-8")
    assert page.endswith("\n\n" + markdown_table(kept_trials()))


@pytest.mark.parametrize("name", ["README.md", "docs/attach.md"])
def test_readme_and_docs_say_how_many_open(name: str) -> None:
    page = (Path(__file__).parents[1] / name).read_text(encoding="utf-8")
    count = sum(not (trial.opens or trial.alone) for trial in KEPT.values())
    assert f"{count} of the {len(KEPT)} families that were tried" in page

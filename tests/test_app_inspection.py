"""`headscope inspect`: one model or two on prompts, as a table, CSV, JSON or a report, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_app_command import assert_refused, headscope
from tiny_models import hooked_tiny, tiny_folder

from headscope import load
from headscope.app.terminal.heads_in_terminal import (
    cells,
    heads_caption,
    heads_table,
    numbers_by_rank,
    numbers_that_fit,
    width_of,
)
from headscope.interp.asking.analyse import analyse
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.head_columns import HeadColumns
from headscope.interp.asking.listed_rows import followed_numbers, telling_numbers
from headscope.interp.asking.table import ANALYSES

PROMPT = ("--prompt", "return x, y")

REST = "--csv, --json and --html give all."


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("cog") / "cog", "cog")


@pytest.fixture(scope="module")
def softmax(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("softmax") / "softmax", "softmax")


@pytest.fixture
def heads() -> HeadColumns:
    """A table of two heads with 40 numbers, each with its null; one is not there."""
    names = [f"a.share{end}.x{more}" for more in ("", *range(39)) for end in ("", "_null")]
    numbers = {name: [0.5, 0.5] if "_null" in name else [0.0, float("nan")] for name in names}
    place = {"model": ["m", "m"], "layer": [0, 0], "head": [0, 1], "attention": ["cog"] * 2}
    return {name: np.array(column) for name, column in {**place, **numbers}.items()}


def test_the_table_has_a_row_per_head(cog: Path) -> None:
    said = headscope("inspect", cog, *PROMPT, "--what", "negative_mass")
    assert said.exit_code == 0
    rows = [line for line in said.stdout.splitlines() if line.strip().startswith("L")]
    assert sorted(row.split()[:2] for row in rows) == [[f"L{at // 2}H{at % 2}", "cog"] for at in range(6)]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_the_terminal_and_says_what_is_missing(width: int, heads: HeadColumns) -> None:
    numbers = numbers_by_rank(list(heads), only_telling=False)
    fitting = numbers_that_fit(heads, numbers, (), width)
    shown = len(fitting)
    assert width_of(heads_table(heads, fitting, ())) <= width and 1 <= shown < len(numbers)
    more = len(heads) - 4 - 2 * shown
    assert heads_caption(heads, fitting, ()) == f"In brackets: the null. {more} more columns: {REST}"
    assert "more" not in heads_caption(heads, numbers, ())


def test_a_null_stands_in_brackets_beside_its_number(heads: HeadColumns) -> None:
    assert cells(heads, "a.share.x")[:2] == ["0.000 (0.500)", "–"]


def test_telling_numbers_come_first_or_alone(heads: HeadColumns) -> None:
    first, second = telling_numbers()[:2]
    columns = [*heads, second, first]
    assert numbers_by_rank(columns, only_telling=True) == [first, second]
    assert numbers_by_rank(columns, only_telling=False)[:3] == [first, second, "a.share.x"]


def test_every_telling_number_is_found(cog: Path) -> None:
    said = headscope("inspect", cog, "--prompt", "x y x y", "--all", "--csv")
    lost = set(telling_numbers()) - set(said.stdout.splitlines()[0].split(","))
    assert lost == {"missing_mass.mass"}  # no row may sum to less than 1


def test_a_loaded_model_is_called_by_its_folder(cog: Path) -> None:
    assert analyse(load(cog), "x", ["copying"]).model == "cog"


def test_two_models_are_told_apart(cog: Path, softmax: Path) -> None:
    said = headscope("inspect", cog, "--compare", softmax, *PROMPT, "--what", "negative_mass")
    assert sum(line.split()[:1] == ["cog"] for line in said.stdout.splitlines()) == 6


def test_an_analysis_without_a_number_per_head_says_so(cog: Path) -> None:
    for how in ((), ("--csv",)):
        said = headscope("inspect", cog, *PROMPT, "--what", "logit_lens", *how)
        assert_refused(said, "logit_lens has no number per head: use --json or --html")


def test_what_is_not_in_a_table_is_said_beside_it(cog: Path) -> None:
    said = headscope("inspect", cog, *PROMPT, "--what", "logit_lens", "--what", "negative_mass")
    assert said.exit_code == 0 and "not in the table: logit_lens" in said.stderr


def test_numbers_that_depend_on_the_gauge_are_starred(heads: HeadColumns) -> None:
    shown = ["a.share.x", "a.share.x0"]
    titles = [str(column.header) for column in heads_table(heads, shown, {"a.share.x"}).columns[2:]]
    assert [title.endswith("*") for title in titles] == [True, False]
    assert "*: depends on the gauge" in heads_caption(heads, shown, {"a.share.x"})


def test_of_interventions_those_that_look_at_signs_are_starred(cog: Path) -> None:
    found = analyse(load(cog), "x y", ["interventions"])["interventions"].about
    assert [found.depends_on_gauge("kl", kind) for kind in ("keep_positive", "zero")] == [True, False]


def test_what_the_numbers_are_is_said_below_the_table(cog: Path) -> None:
    said = headscope("inspect", cog, "--prompt", "x", "--corrupt", "y", "--what", "path_patching").stdout
    assert "against" in said and "[per cent of the logit difference]" in " ".join(said.split())


def test_what_several_prompts_leave_out_is_said_once(cog: Path) -> None:
    said = headscope("inspect", cog, *PROMPT, "--prompt", "x", "--csv")
    [line] = [line for line in said.stderr.splitlines() if "logit_lens" in line]
    assert "row_curves" in line and "each runs over the tokens of one prompt, and 2 were given: give one" in line


def test_csv_can_be_read_back(cog: Path, tmp_path: Path) -> None:
    file = tmp_path / "heads.csv"
    file.write_text(headscope("inspect", cog, *PROMPT, "--what", "negative_mass", "--csv").stdout)
    heads = pd.read_csv(file)
    assert heads["negative_mass.minority_mass"].between(0, 0.5).all() and len(heads) == 6


def test_csv_prints_no_digits_that_a_number_has_not(cog: Path) -> None:
    lines = headscope("inspect", cog, *PROMPT, "--what", "negative_mass", "--csv").stdout.splitlines()[1:]
    numbers = [cell for line in lines for cell in line.split(",")[4:] if cell]
    assert numbers == [str(np.float32(cell)) for cell in numbers]


def test_json_has_both_models_and_what_depends_on_the_gauge(cog: Path, softmax: Path) -> None:
    said = headscope("inspect", cog, "--compare", softmax, *PROMPT, "--what", "copying", "--json")
    models = json.loads(said.stdout)["models"]
    marked = [one["analyses"]["copying"]["fields"]["value"]["gauge_dependent"] for one in models]
    assert ([one["model"] for one in models], marked) == (["cog", "softmax"], [True, False])


def test_everything_that_fits_is_in_the_report(cog: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    said = headscope("inspect", cog, *PROMPT, "--corrupt", "return y, y", "--all", "--html", file)
    assert said.exit_code == 0, said.output
    page = file.read_text(encoding="utf-8")
    shown = {name for name in ANALYSES if f"<h2>{name.replace('_', ' ')}</h2>" in page}
    assert set(ANALYSES) - shown == {"temperatures", "trajectory", "missing_mass"}  # no such layers, no snapshots


def test_snapshots_beside_a_model_have_a_trajectory(cog: Path) -> None:
    for step in (1, 2):
        tiny_folder(cog / f"step-00000{step}", "cog")
    said = json.loads(headscope("inspect", cog, *PROMPT, "--what", "trajectory", "--json").stdout)
    assert said["models"][0]["analyses"]["trajectory"]["facts"]["runs"] == ["cog"]


def test_all_analyses_are_listed() -> None:
    listed = headscope("analyses").stdout
    assert [name for name in ANALYSES if name not in listed] == []


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--what", "focus"), "unknown analysis 'focus'; known: patterns, deletion"),
        (("--corrupt", "x"), "patching needs prompts of one length"),
        (("--corrupt", ""), "--corrupt is empty"),
        (("--embedding", "mean"), "unknown embedding 'mean'; known: token, effective"),
        (("--distance", "64"), "distance 64 lies outside this model's context"),
        (("--compare", "nobody"), "cannot load 'nobody'"),
        (("--html", "no/where.html"), "there is no folder no"),
        (("--html", "."), "it is a folder"),
        (("--json", "--csv"), "--json and --csv both go to standard output: choose one of them"),
        (("--corrupt", "x", "--what", "copying"), "--corrupt was given, but only activation_patching"),
        (("--target", "x"), "--target is a token that patching weighs: give it a prompt to patch from with --corrupt"),
        (("--distance", "2", "--what", "copying"), "only composition, qk_spectrum read it"),
        (("--embedding", "effective", "--what", "deletion"), "only copying, diagonal_ranks, trajectory read it"),
        (("--what", "path_patching"), "path_patching needs a corrupt prompt"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], refusal: str, cog: Path) -> None:
    assert_refused(headscope("inspect", cog, *PROMPT, *arguments), refusal)


def test_conflicts_are_refused_before_torch_is_imported() -> None:
    code = "import sys; from headscope.app.terminal import inspect_options; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize(("option", "value"), [("embedding", "effective"), ("distance", 3)])
def test_an_option_changes_what_its_readers_find_and_nothing_else(option: str, value: Any) -> None:
    model = hooked_tiny("cog")
    plain, chosen = (
        analyse(model, "x y", "all", choices=choices) for choices in (Choices(), Choices(**{option: value}))
    )
    changed = {name for name in plain if str(plain[name].to_json()) != str(chosen[name].to_json())}
    readers = {name for name, row in ANALYSES.items() if option in row.reads}
    assert changed == readers - {"trajectory"}
    measured = {name.split(".")[0] for name in followed_numbers(plain.facts)}
    assert ("trajectory" in readers) == bool(measured & readers)


def test_patching_alone_needs_a_corrupt_prompt() -> None:
    left_out = analyse(hooked_tiny("cog"), "x y").left_out
    assert {name for name, why in left_out.items() if "corrupt" in why} == {
        name for name, row in ANALYSES.items() if "corrupt" in row.reads
    }


def test_what_takes_long_is_named_in_one_line_and_not_run(cog: Path) -> None:
    said = headscope("inspect", cog, "--prompt", "x y x y", "--csv")
    [line] = [line for line in said.stderr.splitlines() if "--all" in line]
    assert "diagonal_ranks (about" in line and "diagonal_ranks" not in said.stdout


def test_every_analysis_is_shown_as_soon_as_it_is_finished(cog: Path) -> None:
    names = ["logit_lens", "negative_mass", "deletion"]
    said = headscope("inspect", cog, *PROMPT, *(part for name in names for part in ("--what", name)))
    lines = {line.split(":")[0]: line.split(": ", 1)[1] for line in said.stderr.splitlines() if ": " in line}
    assert {*names} <= {*lines} and lines["logit_lens"] == "finished" and "of 6 heads" in lines["deletion"]


def test_all_and_some_is_refused(cog: Path) -> None:
    assert_refused(headscope("inspect", cog, *PROMPT, "--all", "--what", "sinks"), "--all runs every analysis")


def test_what_was_finished_is_shown_when_it_is_stopped(cog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*asked: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setitem(ANALYSES, "interventions", replace(ANALYSES["interventions"], compute=stopped))
    said = headscope("inspect", cog, *PROMPT, "--what", "interventions", "--what", "negative_mass", "--csv")
    assert said.exit_code == 130 and "stopped; this was finished" in said.stderr
    assert said.stdout.startswith("model,layer,head,attention,negative_mass")
    alone = headscope("inspect", cog, *PROMPT, "--what", "interventions")
    assert (alone.exit_code, alone.stdout) == (130, "") and "nothing was finished" in alone.stderr

"""Sweeps: every unit is measured once, known by what its numbers depend on, whatever fails or stops on the way."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import psutil
import pytest
import torch
from tiny_models import tiny_folder
from typer.testing import CliRunner

import headscope
from headscope import analyse, load
from headscope.app.terminal.command import command as headscope_command
from headscope.interp.asking.choices import Choices
from headscope.interp.sweeps import measuring
from headscope.interp.sweeps.in_process import outcomes_here
from headscope.interp.sweeps.measuring import Outcome, Outcomes, Worker
from headscope.interp.sweeps.needs import BESIDE, COPIES, by_size, needs_of, worker_count
from headscope.interp.sweeps.on_ray import outcomes_on_ray
from headscope.interp.sweeps.over_checkpoints import checkpoint_curves, sweep_trajectory
from headscope.interp.sweeps.request import Model, SweepRequest
from headscope.interp.sweeps.schedule import Schedule
from headscope.interp.sweeps.store import Store
from headscope.interp.sweeps.sweep import measure_missing, planned_units, sweep
from headscope.interp.sweeps.sweep_file import read_sweep
from headscope.interp.sweeps.swept import open_sweep
from headscope.interp.sweeps.unit import Checkpoint, PromptSet, Unit

PROMPTS = ("return x", "for i in")
WHAT = ("negative_mass", "row_statistics")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two snapshots and the model that it ended in."""
    folder = tiny_folder(tmp_path_factory.mktemp("runs") / "mine", "cog")
    for step, layers in ((1, "all"), (2, "inner")):
        tiny_folder(folder / f"step-{step:06}", "cog", layers=layers)
    return folder


@pytest.fixture(scope="module")
def swept(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return sweep([run], PROMPTS, WHAT, out=tmp_path_factory.mktemp("out"), steps="all", ray=False)


def unit(checkpoint: str = "a", analysis: str = "negative_mass", size: int = 1) -> Unit:
    at = Checkpoint(checkpoint, None, Path(checkpoint), checkpoint, size)
    return Unit(at, analysis, 1, PromptSet("code", PROMPTS), Choices())


def test_its_numbers_are_those_of_the_analysis(swept: Any, run: Path) -> None:
    frame = swept.to_frame()
    names = {"step": 1, "analysis": "negative_mass", "number": "negative_mass"}
    of_first = frame[(frame[[*names]] == names).all(axis=1)].set_index(["layer", "head"])["value"]
    found: Any = analyse(load(run / "step-000001"), PROMPTS, ["negative_mass"])["negative_mass"]
    for (layer, head), value in of_first.items():
        assert value == float(found.negative_mass[layer, head])
    assert len(of_first) == found.negative_mass.numel() and set(frame["analysis"]) == {*WHAT}


def test_every_checkpoint_is_there_and_spreads_over_prompts_too(swept: Any) -> None:
    frame = swept.to_frame()
    assert [*frame["step"].unique()] == [1, 2] and swept.failures == {}
    assert "negative_mass_spread" in set(frame["number"])


def test_the_table_of_polars_is_that_of_pandas(swept: Any) -> None:
    assert swept.to_polars().to_pandas().equals(swept.to_frame())


def test_nothing_is_measured_twice_across_sweeps_and_names(run: Path, tmp_path: Path) -> None:
    sweep([run], PROMPTS, WHAT, out=tmp_path, steps=[1], ray=False)
    shutil.copytree(run / "step-000001", tmp_path / "the same")
    counts: list[tuple[int, int]] = []
    again = sweep(
        [tmp_path / "the same"], {"other": PROMPTS}, WHAT, out=tmp_path, ray=False, watch=lambda *n: counts.append(n)
    )
    assert counts == [(2, 2)] and set(again.to_frame()["run"]) == {"the same"}


@pytest.mark.parametrize(
    "change",
    [
        {"checkpoint": Checkpoint("a", None, Path("a"), "other weights", 1)},
        {"analysis": "row_statistics"},
        {"version": 2},
        {"prompts": PromptSet("code", PROMPTS[:1])},
        {"prompts": PromptSet("code", PROMPTS, bos=True)},
        {"choices": Choices(embedding="effective")},
    ],
)
def test_whatever_numbers_depend_on_is_in_the_key(change: dict[str, Any]) -> None:
    assert replace(unit(), **change).key != unit().key


def test_names_and_places_are_not_in_the_key() -> None:
    other = Unit(Checkpoint("b", 3, Path("b"), "a", 2), "negative_mass", 1, PromptSet("x", PROMPTS), Choices())
    assert other.key == unit().key


def test_a_worker_opens_a_model_once_for_all_of_its_units(
    swept: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Counter[str]()
    hold = Worker.hold

    def counted(self: Worker, checkpoint: Checkpoint) -> None:
        opened[checkpoint.title] += checkpoint != self.checkpoint
        hold(self, checkpoint)

    monkeypatch.setattr(Worker, "hold", counted)
    request = SweepRequest((Model(str(run), "all"),), WHAT, {"one": PROMPTS, "two": PROMPTS[:1]})
    units = request.units(Store(swept.folder).index())
    assert all(outcome.numbers for _, outcome in outcomes_here(units))
    assert opened == {"mine at 1": 1, "mine at 2": 1}


def test_what_fails_is_tried_again_then_said_and_the_others_go_on(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = Counter[str]()
    measured = Worker.measured

    def failing(self: Worker, unit: Unit) -> Outcome:
        tries[unit.analysis] += 1
        if unit.analysis == "negative_mass" or tries[unit.analysis] == 1:
            raise RuntimeError("no memory is left")
        return measured(self, unit)

    monkeypatch.setattr(Worker, "measured", failing)
    result = sweep([run], PROMPTS, WHAT, out=tmp_path, steps=[1], ray=False)
    assert tries == {"negative_mass": 2, "row_statistics": 2}
    assert [*open_sweep(tmp_path).failures_in_words()] == [*result.failures_in_words()]
    assert result.failures_in_words() == ["negative_mass of mine at 1 on prompts: RuntimeError: no memory is left"]
    assert set(result.to_frame()["analysis"]) == {"row_statistics"}
    monkeypatch.setattr(Worker, "measured", measured)
    assert not sweep([run], PROMPTS, WHAT, out=tmp_path, steps=[1], ray=False).failures


def test_a_stopped_sweep_goes_on_where_it_was(run: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep([run], PROMPTS, WHAT, out=tmp_path, steps="all", ray=False, watch=stop)
    assert len(open_sweep(tmp_path).measured) == 3
    counts: list[int] = []
    sweep([run], PROMPTS, WHAT, out=tmp_path, steps="all", ray=False, watch=lambda done, _: counts.append(done))
    assert counts == [3, 4]


def test_numbers_are_the_same_whatever_threads_there_are(swept: Any, run: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = sweep([run], PROMPTS, WHAT, out=tmp_path, steps="all", ray=False)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert again.to_frame().equals(swept.to_frame())


def test_a_free_worker_stays_with_its_model_then_begins_another_then_helps() -> None:
    schedule = Schedule([unit("a", str(at)) for at in range(3)] + [unit("b", str(at)) for at in range(2)])
    first, second = schedule.next_unit(None), schedule.next_unit(None)
    assert first and second and (first.checkpoint.run, second.checkpoint.run) == ("a", "b")
    assert [schedule.next_unit(second.checkpoint), schedule.next_unit(second.checkpoint)] == [
        unit("b", "1"),
        unit("a", "1"),
    ]
    assert schedule.next_unit(first.checkpoint) == unit("a", "2") and schedule.next_unit(None) is None


def test_what_a_worker_needs_grows_with_its_model_and_small_ones_share_a_gpu() -> None:
    assert needs_of(10, has_gpu=False).gpus == 0 and needs_of(10, has_gpu=False).memory == BESIDE + COPIES * 10
    assert needs_of(1 << 30, has_gpu=True).gpus == 0.25 and needs_of(1 << 34, has_gpu=True).gpus == 1


def test_as_many_workers_as_fit_into_every_node() -> None:
    needs = needs_of(0, has_gpu=False)
    nodes = [{"CPU": 8.0, "memory": 3.5 * BESIDE}, {"CPU": 1.0, "memory": 9.0 * BESIDE}]
    assert (worker_count(needs, nodes, None), worker_count(needs, nodes, 2)) == (4, 2)
    assert worker_count(needs_of(0, has_gpu=True), [{"CPU": 8.0, "memory": 9e12, "GPU": 1.0}], None) == 4


def test_a_model_for_which_no_node_is_large_enough_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs 302\.1 GB of memory; the largest node of the cluster offers 8\.0 GB"):
        worker_count(needs_of(10**11, has_gpu=False), [{"CPU": 8.0, "memory": 8e9}], None)


def test_models_of_one_size_are_measured_together_the_largest_first() -> None:
    groups = by_size([unit("small", size=10), unit("large", size=10**9), unit("as small", size=11)])
    assert [[item.checkpoint.run for item in group] for group in groups] == [["large"], ["small", "as small"]]


def test_a_file_names_models_analyses_and_prompts(run: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("one\n\ntwo\n")
    shutil.copytree(run, tmp_path / "mine")
    (tmp_path / "sweep.toml").write_text(
        'models = ["cog", { name = "mine", steps = "all" }]\nanalyses = ["negative_mass"]\nbos = false\n'
        '[prompts]\ncode = "return x"\ntexts = { file = "texts.txt" }\n[choices]\nembedding = "effective"\n'
    )
    request = read_sweep(tmp_path / "sweep.toml")
    assert request.models == (Model("cog"), Model(str(tmp_path / "mine"), "all")) and request.bos is False
    assert request.prompts == {"code": ("return x",), "texts": ("one", "two")}
    assert request.choices == Choices(embedding="effective")
    assert len(request.units(Store(tmp_path / "out").index())) == 3 * 2


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ('models = ["cog"]\nanalyses = ["negativ_mass"]', "unknown analysis 'negativ_mass'"),
        ('models = []\nanalyses = ["negative_mass"]', "models is empty"),
        ('models = ["cog"]\nanalyses = ["negative_mass"]\nmodles = 1', "a sweep has no field 'modles'"),
        ('models = [{ name = "cog", step = 1 }]\nanalyses = ["negative_mass"]', "a model has no field 'step'"),
        ('models = [{ name = "cog", steps = "last" }]\nanalyses = ["negative_mass"]', "got 'last'"),
        ('models = [{ name = "cog", steps = [1.5] }]\nanalyses = ["negative_mass"]', "whole numbers"),
        ('models = "cog"\nanalyses = ["negative_mass"]', "models must be a list"),
        ('models = [""]\nanalyses = ["negative_mass"]', "a text is needed"),
        ('models = ["cog"]\nanalyses = ["negative_mass"]\nbos = 1.5', "bos is true or false"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_sentence(line: str, refusal: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(f'{line}\n[prompts]\ncode = ["return x"]\n')
    with pytest.raises(ValueError, match=refusal) as raised:
        read_sweep(tmp_path / "sweep.toml")
    assert "sweep.toml cannot be read" in str(raised.value) and "\n" not in str(raised.value)


def test_a_step_that_is_not_there_is_refused_before_anything_is_measured(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no snapshot at step 7; known: 1, 2"):
        sweep([run], PROMPTS, WHAT, out=tmp_path, steps=[7], ray=False)


def test_a_folder_without_a_sweep_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no sweep"):
        open_sweep(tmp_path)


def test_ray_gives_the_same_numbers_and_a_worker_that_is_killed_loses_nothing(
    run: Path, swept: Any, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    store = Store(tmp_path)
    units = planned_units(SweepRequest((Model(str(run), "all"),), WHAT, {"prompts": PROMPTS}), store)
    done = Counter[str]()

    def deadly(units: Sequence[Unit]) -> Outcomes:
        for item, outcome in outcomes_on_ray(units, workers=1):
            if not done:
                [worker] = [child for child in psutil.Process().children(recursive=True) if is_worker(child)]
                worker.kill()
            done[item.key] += 1
            yield item, outcome

    assert measure_missing(units, store, deadly, lambda *counts: None) == {}
    assert done == dict.fromkeys((item.key for item in units), 1)
    assert open_sweep(tmp_path).to_frame().equals(swept.to_frame())


def is_worker(process: psutil.Process) -> bool:
    return process.cmdline()[:1] != [] and process.cmdline()[0].startswith("ray::Worker")


@pytest.fixture(scope="module")
def curves(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    what = ("collapse_count_ones", "negative_mass")
    return sweep([run], {"code": PROMPTS[:1]}, what, out=tmp_path_factory.mktemp("curves"), steps="all", ray=False)


def test_a_number_over_checkpoints_is_the_mean_of_each(curves: Any) -> None:
    found = sweep_trajectory(curves, ["negative_mass.minority_mass"], "code")
    frame = curves.to_frame()
    mine = frame[(frame["number"] == "minority_mass") & (frame["step"] == 2)]["value"].mean()
    assert found.step.tolist() == [1, 2] and found.value[1, 0] == mine and found.runs == ("mine",)
    assert found.figure().data


def test_a_curve_of_every_checkpoint_is_the_analysis_own(curves: Any, run: Path) -> None:
    result = checkpoint_curves(
        curves, "collapse_count_ones.distance", "code", "n", "distance=L2 norm; depth=final norm"
    )
    own: Any = analyse(load(run / "step-000002"), PROMPTS[:1], ["collapse_count_ones"])["collapse_count_ones"]
    at = own.labels["distance"].index("L2 norm")
    torch.testing.assert_close(result.value[1], own.distance[at, -1].double(), rtol=0, atol=0)
    torch.testing.assert_close(result.value_null[1], own.distance_null[at, -1].double(), rtol=0, atol=0)
    assert result.labels == {"checkpoint": ("mine at 1", "mine at 2"), "place": own.labels["n"]}
    assert [line.name for line in result.figure().data] == ["null", "null", "mine at 1", "mine at 2"]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("collapse_count_ones.distance", "prose", "n", ""), "holds no 'prose'; known: code"),
        (("collapse_count_ones.distanc", "code", "n", ""), "holds no 'collapse_count_ones.distanc'"),
        (("collapse_count_ones.distance", "code", "query", ""), "has an axis 'query'"),
        (("collapse_count_ones.distance", "code", "n", "depth=3"), "holds no 'depth=3'"),
    ],
)
def test_what_a_sweep_does_not_hold_is_refused(curves: Any, arguments: tuple[str, ...], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        checkpoint_curves(curves, *arguments)


def test_it_is_a_public_name() -> None:
    assert headscope.sweep is sweep and measuring.Worker is Worker


def test_the_command_sweeps_reads_and_writes_one_table(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'models = [{{ name = "{run}", steps = [1] }}]\nanalyses = ["negative_mass"]\n')
    with (tmp_path / "mine.toml").open("a") as file:
        file.write('[prompts]\ncode = "return x"\n')
    command = ["sweep", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(headscope_command, [*command, "--here"])
    assert done.exit_code == 0 and "1 of 1 units are in" in done.stdout
    assert "1 units, of which 0 are there already" in done.stderr
    for name in ("all.csv", "all.parquet"):
        read = CliRunner().invoke(headscope_command, [*command, "--read", "--table", str(tmp_path / name)])
        assert read.exit_code == 0 and (tmp_path / name).is_file()
    assert pandas.read_parquet(tmp_path / "all.parquet").equals(open_sweep(tmp_path / "out").to_frame())


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (["--here", "--workers", "2"], "--here runs without Ray"),
        (["--table", "all.json"], "ends in '.json'; known: .csv, .parquet"),
        (["--here"], "there is no sweep at"),
        (["--read"], "holds no sweep"),
    ],
)
def test_the_command_refuses_in_one_line(options: list[str], refusal: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(headscope_command, ["sweep", "none.toml", "--out", str(tmp_path / "out"), *options])
    assert done.exit_code == 1 and refusal in done.stderr and len(done.stderr.splitlines()) == 1

"""Trajectories: snapshots with their steps and fingerprints, whatever each run has of them."""

import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import hooked_tiny, tiny_folder, tiny_model, tiny_tokenizer

from headscope import save
from headscope.interp.asking.analyse import analyse, asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.asking.finding import finding
from headscope.interp.figures.trajectories import MOST_COLUMNS, picture_middles, with_chosen_snapshot
from headscope.interp.heads.attention_run import AttentionRun, attention_run
from headscope.interp.trajectories.losses import losses
from headscope.interp.trajectories.measures import numbers_by_name
from headscope.interp.trajectories.snapshot_patterns import snapshot_patterns
from headscope.interp.trajectories.snapshots import run_folder
from headscope.interp.trajectories.trajectory import Trajectory, trajectory
from headscope.models.checkpoints import open_folder

PROMPT = "return x"
ENTROPY = "row_statistics.entropy"


def norm(model: Any) -> float:
    return float(sum(parameter.detach().norm() for parameter in model.parameters()))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs of different steps; the second one's snapshots 4 and 16 are one model, and its own model is at 20."""
    root = tmp_path_factory.mktemp("runs")
    tiny_folder(root / "first" / "step-000008", "cog")
    tiny_folder(root / "second" / "step-000004", "softmax")
    shutil.copytree(root / "second" / "step-000004", root / "second" / "step-000016")
    tiny_folder(root / "second", "expressive")
    (root / "second" / "training.json").write_text(json.dumps({"steps": 20}))
    return {"first run": root / "first", "second run": root / "second"}


@pytest.fixture(scope="module")
def found(runs: dict[str, Path]) -> Trajectory:
    return trajectory(runs, finding(PROMPT, ENTROPY))


def test_every_snapshot_is_a_point_whatever_the_other_run_has(found: Trajectory) -> None:
    assert found.run.tolist() == [0, 1, 1, 1] and found.step.tolist() == [8, 4, 16, 20]
    assert found.value.shape == (4, 1) and found.value.isfinite().all()


def test_the_folder_s_own_model_is_the_last_point(found: Trajectory, runs: dict[str, Path]) -> None:
    assert found.fingerprint[3] == open_folder(runs["second run"]).fingerprint


def test_a_snapshot_that_is_an_earlier_one_is_told_of(found: Trajectory) -> None:
    assert found.warnings == ("second run: steps 4 and 16 hold the same model",)
    assert found.fingerprint[1] == found.fingerprint[2] and len(set(found.fingerprint)) == 3
    assert torch.equal(found.value[1], found.value[2])


def test_the_measure_is_that_of_the_model(found: Trajectory, runs: dict[str, Path]) -> None:
    from headscope import load

    first = load(runs["first run"] / "step-000008")
    measured: Any = finding(PROMPT, ENTROPY)(first)
    assert float(found.value[0]) == pytest.approx(measured.values[ENTROPY], rel=1e-6)


def run_of(model: Any) -> AttentionRun:
    return attention_run(model, asked_of(model, [PROMPT], Choices(), None).prompts[0])


def test_a_head_at_every_snapshot_is_its_weights_there(runs: dict[str, Path]) -> None:
    from headscope import load

    patterns = snapshot_patterns(runs["second run"], run_of)
    assert patterns.steps == (4, 16, 20)
    first, last = run_of(load(runs["second run"] / "step-000004")), run_of(load(runs["second run"]))
    of_head = patterns.of_head(2, 1)
    torch.testing.assert_close(of_head.pattern[0].nan_to_num(), first.weights(2, 1))
    torch.testing.assert_close(of_head.pattern[2].nan_to_num(), last.weights(2, 1))
    assert torch.equal(of_head.pattern.isnan()[0], ~first.visible_of(2))
    figure: Any = with_chosen_snapshot(of_head, 1)
    cells, points = figure.data
    [frame] = figure.layout.shapes
    assert frame.x0 < points.x[1] < frame.x1 and not frame.x0 < points.x[0] < frame.x1
    corner = [round(float(middle[2]) - (of_head.pattern.shape[1] - 1) / 2) for middle in (points.y, points.x)]
    assert cells.text[corner[0]][corner[1]] == f"{float(last.weights(2, 1)[0, 0]):.4f}"


def test_pictures_of_many_snapshots_stand_in_even_rows() -> None:
    places = picture_middles(2 * MOST_COLUMNS - 2, 8)
    assert len({y for _, y in places}) == 2 and len({x for x, _ in places}) == MOST_COLUMNS - 1


def test_a_frame_names_runs_and_steps(found: Trajectory) -> None:
    frame = found.to_frame()
    assert frame["run"].tolist() == ["first run"] + 3 * ["second run"] and frame["step"].tolist() == [8, 4, 16, 20]
    assert set(frame["measure_label"]) == {ENTROPY}


def test_json_is_plain(found: Trajectory) -> None:
    facts = json.loads(json.dumps(found.to_json(), allow_nan=False))["facts"]
    assert facts["runs"] == ["first run", "second run"] and len(facts["fingerprint"]) == 4


def test_the_figure_has_a_line_per_run_on_a_logarithmic_axis(found: Trajectory) -> None:
    figure = found.figure()
    assert [list(trace.x) for trace in figure.data] == [[8], [4, 16, 20]]
    assert figure.layout.xaxis.type == "log" and figure.data[1].name == "second run"
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert figure.layout.annotations[0].text == found.warnings[0]


def test_several_measures_have_a_menu_and_every_snapshot_is_counted(runs: dict[str, Path]) -> None:
    counted: list[tuple[int, int]] = []
    alone = {"first run": runs["first run"]}
    several = trajectory(
        alone, lambda model: {"norm": norm(model), "ones": torch.ones(2)}, lambda *at: counted.append(at), "Size"
    )
    assert several.labels["measure"] == ("norm", "ones.0", "ones.1") and counted == [(1, 1)]
    assert [button.label for button in several.figure().layout.updatemenus[0].buttons] == [
        "norm",
        "ones · 0",
        "ones · 1",
    ]
    assert "Size" in several.figure().layout.title.text


def test_one_snapshot_is_held_at_a_time(runs: dict[str, Path]) -> None:
    held: list[weakref.ref[Any]] = []

    def alive(model: Any) -> int:
        held.append(weakref.ref(model))
        return sum(one() is not None for one in held)

    assert trajectory(runs, alive).value.flatten().tolist() == [1, 1, 1, 1]


def test_any_finding_can_be_followed(runs: dict[str, Path]) -> None:
    alone = {"first run": runs["first run"]}
    share = trajectory(alone, finding(PROMPT, "detectors.share_null"))
    assert share.labels["measure"] == ("detectors.share_null",) and 0 < float(share.value) < 1
    with pytest.raises(ValueError, match="DetectorScores has no field 'colour'; known: signed"):
        trajectory(alone, finding(PROMPT, "detectors.colour"))


def test_one_detector_and_one_head_can_be_followed(runs: dict[str, Path]) -> None:
    alone = {"first run": runs["first run"]}
    name = "detectors.share.previous token"
    heads = [float(trajectory(alone, finding(PROMPT, name, head=(layer, 1))).value) for layer in range(3)]
    heads += [float(trajectory(alone, finding(PROMPT, name, head=(layer, 0))).value) for layer in range(3)]
    mean = float(trajectory(alone, finding(PROMPT, name)).value)
    assert mean == pytest.approx(sum(heads) / 6) and max(heads) > mean
    with pytest.raises(ValueError, match="L3H0 was asked for; there are 3 layers of 2 heads"):
        trajectory(alone, finding(PROMPT, name, head=(3, 0)))


def test_a_number_that_depends_on_the_gauge_says_so_along_its_trajectory(runs: dict[str, Path]) -> None:
    numbers = ("negative_mass.negative_mass", "negative_mass.minority_mass")
    found = trajectory(runs, finding(PROMPT, *numbers))
    assert found.gauge_dependent == numbers[:1] and found.about.gauge_dependent == ("value",)
    assert found.to_json()["fields"]["value"]["gauge_dependent"]
    labels = [button.label for button in found.figure().layout.updatemenus[0].buttons]
    names = [name.replace("_", " ").replace(".", " · ") for name in numbers]
    assert labels == [f"{names[0]} (gauge-dependent)", names[1]]
    alone = {"first run": runs["first run"]}
    bound = trajectory(alone, finding(PROMPT, numbers[0]))
    assert bound.figure().layout.yaxis.title.text.endswith("negative mass (gauge-dependent)")
    free = trajectory(alone, finding(PROMPT, numbers[1]))
    assert free.about.gauge_dependent == () and free.figure().layout.yaxis.title.text == names[1]


def test_softmax_has_no_such_gauge(tmp_path: Path) -> None:
    tiny_folder(tmp_path / "run" / "step-000004", "softmax")
    found = trajectory({"run": tmp_path / "run"}, finding(PROMPT, "negative_mass.negative_mass"))
    assert found.about.gauge_dependent == found.gauge_dependent == ()


def test_what_was_chosen_is_chosen_for_every_snapshot(runs: dict[str, Path]) -> None:
    folder = runs["first run"]
    plain, chosen = (
        analyse(hooked_tiny("cog"), PROMPT, ["trajectory"], choices=Choices(run=folder, embedding=embedding))
        for embedding in ("token", "effective")
    )
    assert plain["trajectory"].tensors()["value"][0, 0] == chosen["trajectory"].tensors()["value"][0, 0]
    at = plain["trajectory"].labels["measure"].index("copying.magnitude")
    effective = trajectory(
        {"run": folder}, finding(PROMPT, "copying.magnitude", choices=Choices(embedding="effective"))
    )
    assert plain["trajectory"].tensors()["value"][0, at] != effective.value[0, 0]
    assert chosen["trajectory"].tensors()["value"][0, at] == effective.value[0, 0]


def test_a_run_that_reads_other_tokens_is_refused(tmp_path: Path, runs: dict[str, Path]) -> None:
    other = tiny_tokenizer()
    other.add_tokens(["a token of its own"])
    save(tiny_model("cog"), tmp_path / "run" / "step-000004", tokenizer=other)
    with pytest.raises(ValueError, match=r"vocabulary .* so that the prompt's ids mean other tokens there"):
        analyse(hooked_tiny("cog"), PROMPT, ["trajectory"], choices=Choices(run=tmp_path / "run"))


def test_a_measure_may_be_a_number_a_tensor_or_named_ones() -> None:
    assert numbers_by_name(2.5) == {"": 2.5} and numbers_by_name(torch.tensor(1.0)) == {"": 1.0}
    assert numbers_by_name(torch.tensor([[1.0, 2.0], [3.0, 4.0]])) == {"0.0": 1.0, "0.1": 2.0, "1.0": 3.0, "1.1": 4.0}
    assert numbers_by_name(np.array([1.0, 2.0])) == {"0": 1.0, "1": 2.0}
    assert numbers_by_name({"a": {"b": 1}, "c": torch.tensor([5.0])}) == {"a.b": 1.0, "c.0": 5.0}


def test_a_measure_whose_names_change_is_refused(runs: dict[str, Path]) -> None:
    names = iter("abcd")
    with pytest.raises(ValueError, match="gave b at step 16 of second run, and a before"):
        trajectory({"second run": runs["second run"]}, lambda model: {next(names): 1.0})


def test_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        trajectory({}, norm)


def plain_run(folder: Path, **files: str) -> Path:
    """A folder that looks like a run, with a model of its own."""
    (folder / "step-000002").mkdir(parents=True)
    for name in ("config.json", *files):
        (folder / name).write_text(files.get(name, "{}"))
    return folder


def test_the_last_step_is_that_of_the_history_where_nothing_else_says(tmp_path: Path) -> None:
    run = plain_run(tmp_path / "run", **{"history.jsonl": '{"step": 0}\n{"step": 7}\n'})
    assert run_folder(run).steps == {2: run / "step-000002", 7: run}


def test_a_model_takes_the_place_of_the_snapshot_of_its_step(tmp_path: Path) -> None:
    run = plain_run(tmp_path / "run", **{"training.json": '{"steps": 2}'})
    assert run_folder(run).steps == {2: run}


def test_a_model_whose_step_nobody_knows_is_left_out_with_a_warning(tmp_path: Path) -> None:
    found = run_folder(plain_run(tmp_path / "run"))
    assert list(found.steps) == [2] and found.unknown == "run: its own model is left out, no file says its step"


def test_a_folder_without_snapshots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no snapshots: a run has models in folders such as step-000100"):
        run_folder(tmp_path)


def test_losses_are_those_of_the_histories(tmp_path: Path) -> None:
    history = [{"step": 0, "validation_loss": 5.0}, {"step": 1, "loss": 4.0}]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(one) + "\n" for one in history))
    found = losses({"mine": tmp_path, "bare": tmp_path / "nothing"})
    assert found.to_frame()["value"].tolist()[1:3] == [5.0, 4.0]
    assert found.warnings == ("bare: no history lies beside it",) and len(found.figure().data) == 4
    with pytest.raises(ValueError, match=r"no history\.jsonl lies in"):
        losses({"bare": tmp_path / "nothing"})

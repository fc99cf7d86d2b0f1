"""The `headscope` command: what it offers, and that it refuses in one line with exit code 1."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from test_training_ship import zoo_with
from tiny_runs import tiny_plain, tiny_recipe, write_text
from typer.testing import CliRunner, Result

from headscope.app.terminal.command import command
from headscope.app.terminal.training_commands import default_run_folder
from headscope.app.terminal.zoo_table import tables
from headscope.models import zoo

FACTS = {
    "parameters": 1711744,
    "tokens": 8192000,
    "validation_loss": 3.0687,
    "shipped_validation_loss": 3.0691,
    "precision": "float32",
    "machine": {"device": "CPU", "cores": 2, "processes": 1, "threads": 1},
}
CIRCUITS = {
    "previous token": {"head": "L5H3", "share": 0.252, "chance": 0.025, "is_there": True},
    "duplicate token": {"head": "L4H2", "share": 0.011, "chance": 0.008, "is_there": False},
}
SPEED = {
    "tokens_per_second": {"cog": 4654.1},
    "rounds": 6,
    "tokens": 4096,
    "precision": "float32",
    "machine": {"device": "CPU", "cores": 8, "processes": 1, "threads": 1},
}


LLAMA = 'steps = 3\nmodel = {model_type = "llama"}\n'


def headscope(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


def assert_refused(result: Result, refusal: str) -> None:
    """One line, exit code 1, no traceback."""
    assert (result.exit_code, type(result.exception)) == (1, SystemExit), result.output
    assert result.stderr.startswith("headscope: ")
    assert refusal in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo with facts of one model."""
    monkeypatch.setattr(zoo, "HERE", tmp_path)
    (tmp_path / "cog" / "step-000100").mkdir(parents=True)
    (tmp_path / "cog" / "config.json").write_text("{}")
    (tmp_path / "cog" / "training.json").write_text(json.dumps(FACTS))
    return tmp_path


@pytest.mark.parametrize("name", ["app", "train", "ship", "zoo"])
def test_every_command_explains_itself(name: str) -> None:
    assert name in headscope("--help").output
    helped = headscope(name, "--help")
    assert (helped.exit_code, helped.stderr) == (0, "")
    assert f"{name} [OPTIONS]" in helped.output


def test_train_writes_a_run_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(json.dumps(tiny_plain(write_text(tmp_path))))
    trained = headscope("train", "small.yaml")
    assert (trained.exit_code, trained.exception) == (0, None), trained.output
    assert trained.stdout.endswith("trained: runs/small\n")
    assert "validation" in trained.stdout
    assert (tmp_path / "runs" / "small" / "model.safetensors").is_file()
    assert headscope("train", "small.yaml").stdout == "nothing to do: the run in runs/small is complete\n"


def test_a_run_is_named_after_its_recipe() -> None:
    assert default_run_folder(Path("models/zoo/cog/recipe.toml")) == Path("runs/cog")
    assert default_run_folder(Path("recipes/small.yaml")) == Path("runs/small")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("steps = 3", "recipe field 'model' is missing"),
        ("steps = 3\nmodel = {}", "recipe field 'data' is missing"),
        ("steps = [", "cannot be read as .toml"),
        ('steps = "3"\nmodel = {}\ndata = {source = "stdlib"}', "recipe field 'steps' is '3'; it must be of type int"),
        ('steps = 3\nmodel = {}\ndata = {source = "web"}', "unknown data 'web' in the recipe"),
        ('steps = 3\nmodel = {}\ndata = {source = "stdlib"}', "the recipe's model has no 'model_type'"),
        (f'{LLAMA}data = {{source = "text", path = "none"}}', "there is no text file or folder at"),
        (f'{LLAMA}data = {{source = "digit"}}', "did you mean 'digits'?"),
        (
            f'{LLAMA}data = {{source = "digits"}}',
            "'llama' reads texts, and the recipe's data 'digits' is for models of images: vit",
        ),
        (f'{LLAMA}corpus = {{source = "stdlib"}}', "recipe field 'corpus' is 'data' now"),
    ],
)
def test_train_refuses_a_wrong_recipe_in_one_line(text: str, refusal: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    assert_refused(headscope("train", tmp_path / "recipe.toml", "--out", tmp_path / "run"), refusal)


def test_train_refuses_what_is_not_there_in_one_line(tmp_path: Path) -> None:
    assert_refused(headscope("train", tmp_path / "recipe.toml"), "there is no recipe at")


def test_ship_refuses_in_one_line(tmp_path: Path) -> None:
    assert_refused(headscope("ship", tmp_path), "it holds no run")


def test_the_zoo_is_trained_and_shipped_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    text = write_text(tmp_path)
    for variant in ("softmax", "selective"):
        zoo_with(tiny_recipe(text, attention={"variant": variant}), tmp_path / "zoo")
    zoo_with(tiny_recipe(text, seed=1), tmp_path / "zoo", "ioi-cog")
    monkeypatch.setattr(zoo, "HERE", tmp_path / "zoo")
    trained = headscope("zoo", "--retrain", "--markdown")
    assert (trained.exit_code, trained.exception) == (0, None), trained.output
    assert zoo.names() == ("softmax", "selective", "ioi-cog")
    assert [line.split()[1] for line in trained.stdout.splitlines() if line[:3] in ("| s", "| i")] == [*zoo.names()[:2]]


def test_an_empty_zoo_says_how_to_fill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "HERE", tmp_path)
    assert_refused(headscope("zoo"), "the zoo holds no model; `headscope zoo --retrain` trains them all")


def test_nothing_in_the_tables_is_cut_short() -> None:
    shown = headscope("zoo").stdout
    assert all(name in shown for name in (*zoo.TEXT, *zoo.FIELD, *zoo.LONGER))
    assert all(" ".join(caption.split()) in " ".join(shown.split()) for _, _, caption in tables())


def test_the_table_holds_what_was_measured(one_model: Path) -> None:
    (one_model / "speed.json").write_text(json.dumps(SPEED))
    (one_model / "circuits.json").write_text(json.dumps({"cog": CIRCUITS}))
    listed = headscope("zoo", "--markdown").stdout.splitlines()
    row = "| cog | 1,711,744 | 8,192,000 | 3.069 | 3.069 | 4,654 | 1 |"
    assert listed[2] == row
    assert {line.count("|") for line in listed[:3]} == {8}
    assert "| cog | L5H3 0.252 | none (0.011) | not measured |" in listed
    assert "by chance 0.008 to 0.025" in listed[-1]
    assert "float32 on a CPU with 8 cores, 1 thread" in listed[4]
    shown = headscope("zoo").stdout
    assert all(cell in shown for cell in ("cog", "1,711,744", "8,192,000", "4,654"))


def test_what_was_not_measured_is_said(one_model: Path) -> None:
    assert "| not measured |" in headscope("zoo", "--markdown").stdout
    (one_model / "cog" / "training.json").unlink()
    assert_refused(headscope("zoo"), "training.json; `headscope ship` writes it with the model")


def test_the_app_starts_as_a_streamlit_server_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda program, arguments, variables: started.append(arguments))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert headscope("app", "--port", str(port), "--site", "lab.example.org:8443").exit_code == 0
    assert started[0][:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(started[0][4]).is_file()
    assert f"--server.port={port}" in started[0]
    hosts = [flag.partition("=")[2] for flag in started[0] if flag.startswith("--server.allowedHosts=")]
    assert hosts == ["localhost", "127.0.0.1", "lab.example.org"]


def test_a_taken_port_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert_refused(headscope("app", "--port", str(port)), f"port {port} is taken")


def test_a_user_without_a_home_is_told_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: (_ for _ in ()).throw(KeyError(number)))
    assert_refused(headscope("app", "--port", "8599"), "this user has no home folder: set HOME")

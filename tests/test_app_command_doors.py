"""What the command refuses at its doors: outputs that cannot be written, names that are nearly right, unlike models."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from test_app_command import assert_refused, headscope
from tiny_models import hooked_tiny, tiny_folder
from tiny_runs import text_of, tiny_plain, tiny_recipe, write_text
from tiny_vits import tiny_vit

from headscope import AttentionSpec, attend, load, save
from headscope.app.serving.kept import upload
from headscope.app.terminal import command, inspection
from headscope.interp.asking.analyse import analyse
from headscope.interp.experiments.engine.publishing import RESULTS, publish, read_publication
from headscope.interp.experiments.engine.table import experiment_named
from headscope.models.checkpoints import CheckpointError
from headscope.models.checkpoints.config.description import description_from_fields
from headscope.models.data.table import fields_of
from headscope.models.data.text.corpus import prepare_corpus
from headscope.models.fitting.history import append_record
from headscope.models.fitting.state import State, save_state
from headscope.models.hosts.families import family_of
from headscope.models.io.whole_file import whole_file, write_errors_in_words, write_whole

ROOT = Path(__file__).parents[1]
FEW_BYTES = 100
LONG = "x" * 10 * FEW_BYTES
IMPORTED = """
import sys
from headscope.app.terminal.command import command
try:
    command(sys.argv[1:])
finally:
    sys.exit(str(sorted({"torch", "transformers", "transformer_lens", "streamlit"} & {*sys.modules})))
"""


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("cog") / "cog", "cog")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tiny_vit("cog"), tmp_path_factory.mktemp("vit") / "vit")


@contextmanager
def no_room(most: int = FEW_BYTES) -> Iterator[None]:
    """No file can grow beyond a few bytes, whichever library writes it, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is opened."""

    def opened(*asked: Any) -> Any:
        raise AssertionError("a model was opened")

    monkeypatch.setattr(inspection, "load", opened)


@pytest.mark.parametrize(
    ("place", "refusal"),
    [("nowhere/report.html", "there is no folder"), ("folder", "it is a folder"), ("locked/a.html", "may not write")],
)
@pytest.mark.usefixtures("never_opened")
def test_a_report_that_cannot_be_written_is_refused_before_a_model_is_opened(
    place: str, refusal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("folder", "locked"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked")  # root may write anywhere
    assert_refused(headscope("inspect", "cog", "--prompt", "x", "--html", tmp_path / place), refusal)


def test_a_report_on_a_full_disk_is_one_sentence_and_no_part_of_it_stays(
    cog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "out" / "report.html"
    place.parent.mkdir()

    def full(self: Path, text: str, **how: Any) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    refused = headscope("inspect", cog, "--prompt", "x", "--what", "copying", "--html", place)
    assert refused.exit_code == 1 and list(place.parent.iterdir()) == []
    assert refused.stderr.splitlines()[-1] == f"headscope: cannot write {place}: no space left on device"


@pytest.mark.parametrize("arguments", [("analyses",), ("--version",), ("zoo", "--markdown"), ("--help",)], ids=str)
def test_a_full_standard_output_is_one_sentence(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["headscope", *arguments])
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit, match="1"):
            command.main()
    said = capsys.readouterr().err
    assert said == "headscope: cannot write to standard output: no space left on device\n"


def test_a_table_on_a_full_standard_output_is_one_sentence(
    cog: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for how in ("--csv", "--json", "--no-bos"):
        asked = ["headscope", "inspect", str(cog), "--prompt", "x", "--what", "copying", how]
        monkeypatch.setattr(sys, "argv", asked)
        with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", full)
            with pytest.raises(SystemExit, match="1"):
                command.main()
        assert capsys.readouterr().err.endswith("no space left on device\n")


def written_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def state_of() -> State:
    return State(1, 0.0, {"weight": torch.zeros(1000)}, {})


WRITERS: dict[str, Callable[[Path], Any]] = {
    "a text": lambda folder: write_whole(folder / "a.json", LONG),
    "a state": lambda folder: save_state(state_of(), folder / "state.pt"),
    "a model": lambda folder: save(hooked_tiny("cog"), folder / "model"),
    "an upload": lambda folder: upload.write_upload([("config.json", memoryview(LONG.encode()))], folder / "upload"),
    "a measurement": lambda folder: append_record(folder / "history.jsonl", {"step": 1, LONG: 0.5}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_is_one_sentence_with_its_place(name: str, tmp_path: Path) -> None:
    with no_room(), pytest.raises(OSError, match=f"^cannot write {tmp_path}[^\n]*: [^\n]*[Ff]ile too large") as refusal:
        WRITERS[name](tmp_path)
    assert refusal.value.errno is None
    assert written_files(tmp_path) == (["history.jsonl"] if name == "a measurement" else [])


def test_a_corpus_and_a_training_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = write_text(tmp_path)
    (tmp_path / "small.json").write_text(json.dumps(tiny_plain(text)))
    with no_room():
        refused = headscope("train", tmp_path / "small.json", "--out", tmp_path / "run")
    assert_refused(refused, f"cannot write {tmp_path / 'cache'}")
    assert written_files(tmp_path / "cache") == []
    prepare_corpus(text_of(tiny_recipe(text)))
    with no_room(600):
        refused = headscope("train", tmp_path / "small.json", "--out", tmp_path / "run")
    assert refused.exit_code == 1 and "Traceback" not in refused.output
    assert refused.stderr.splitlines()[-1].startswith(f"headscope: cannot write {tmp_path / 'run'}")
    assert [name for name in written_files(tmp_path / "run") if "partial" in name] == []


def test_an_experiments_report_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    shipped = read_publication(RESULTS / "E1.json")
    with no_room(), pytest.raises(OSError, match=f"^cannot write {tmp_path}[^\n]*: file too large$"):
        publish(shipped.experiment, shipped.outcome, tmp_path)
    assert written_files(tmp_path) == []


def test_faults_of_what_is_written_are_no_faults_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(TypeError), write_errors_in_words(tmp_path):
        json.dumps({"a": object()}) + LONG
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as partial:
        partial.touch()
        raise KeyboardInterrupt
    assert written_files(tmp_path) == []


NEAR: dict[str, Callable[[], Any]] = {
    "cog": lambda: load("Cog"),
    "detectors": lambda: analyse(hooked_tiny("cog"), "x", ["detector"]),
    "softmax": lambda: AttentionSpec("sofmax"),
    "power": lambda: AttentionSpec("polynomial", powr=3),
    "coefficient": lambda: attend("polynomial", *torch.ones(3, 1, 1, 2, 2), coeficient=1.0),
    "paper_code": lambda: AttentionSpec("selective", position="papercode"),
    "layers": lambda: AttentionSpec.from_json({"variant": "cog", "layer": "all", "options": {}}),
    "llama": lambda: family_of("lama"),
    "E7": lambda: experiment_named("E77"),
    "smoke": lambda: experiment_named("E1").size("Smoke"),
    "value_null": lambda: analyse(hooked_tiny("cog"), "x", ["copying"])["copying"].to_csv("valuenull"),
    "copying": lambda: analyse(hooked_tiny("cog"), "x", ["copying"])["copyng"],
    "text": lambda: fields_of({"source": "txt"}),
    "pattern": lambda: fields_of({"source": "text", "path": ".", "patern": "*.txt"}),
}


@pytest.mark.parametrize("name", NEAR)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(name: str) -> None:
    with pytest.raises((ValueError, KeyError), match=f"did you mean '{name}'"):
        NEAR[name]()


def test_a_family_that_is_nearly_right_in_a_folder_is_answered_too() -> None:
    with pytest.raises(CheckpointError, match="did you mean 'llama'"):
        description_from_fields({"model_type": "lama"}, 1, "config.json")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("inspect", "Cog", "--prompt", "x"), "cog"),
        (("inspect", "cog", "--prompt", "x", "--what", "detector"), "detectors"),
        (("inspect", "cog", "--prompt", "x", "--dtype", "float23"), "float32"),
        (("inspect", "cog", "--prompt", "x", "--embedding", "efective"), "effective"),
        (("experiment", "E77"), "E7"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("never_opened")
def test_the_command_says_which_name_is_meant_and_opens_nothing(arguments: tuple[str, ...], meant: str) -> None:
    assert_refused(headscope(*arguments), f"did you mean '{meant}'?")


@pytest.mark.usefixtures("never_opened")
def test_models_of_texts_and_of_images_are_not_compared_and_neither_is_opened(cog: Path, images: Path) -> None:
    refused = headscope("inspect", cog, "--compare", images, "--prompt", "x")
    assert_refused(refused, f"{cog} reads texts and {images} reads images")


@pytest.mark.parametrize("text", ["once upon a time", "too long for a file's name " * 40], ids=["short", "long"])
def test_a_model_of_images_says_what_it_reads_when_it_is_given_a_text(text: str, images: Path) -> None:
    refused = headscope("inspect", images, "--prompt", text)
    assert_refused(
        refused, "this model reads images, so a prompt is a digit's number (0 to 1796) or a PNG or JPEG file"
    )
    with pytest.raises(ValueError, match="image"):
        analyse(load(images), text)


def test_a_file_of_a_prompt_in_the_home_of_nobody_is_refused_in_a_sentence(cog: Path) -> None:
    refused = headscope("inspect", cog, "--prompt-file", "~nobody-here/prompt.txt")
    assert_refused(refused, "it begins with the home of nobody here")


@pytest.mark.parametrize("arguments", ["--help", "--version", "analyses", "inspect --help", "inspect cog --what focus"])
def test_what_needs_no_model_imports_no_library_of_models(arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments.split()], capture_output=True, text=True, cwd=ROOT
    )
    assert ended.stderr.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_installed_package() -> None:
    assert headscope("--version").stdout == f"headscope {version('headscope')}\n"

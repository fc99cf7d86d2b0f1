"""Hub names: what the cache holds is opened, and the network is asked only where somebody asks for it, in words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants
from local_hub import local_hub
from model_folders import good_folder
from typer.testing import CliRunner

from headscope import load
from headscope.app.serving.model_source import typed_folder
from headscope.app.terminal.command import command
from headscope.models.io import hub
from headscope.models.io.hub import NotFetchedError, cached_repository, is_hub_name

NAME = "owner/tiny"
FETCH = """
import sys
from headscope.models.io.hub import fetched_repository
try:
    print(*sorted(file.name for file in fetched_repository(sys.argv[1]).iterdir()))
except ValueError as refusal:
    print(refusal)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_folder(tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put_into(cache: Path, model: Path) -> Path:
    """What snapshot_download leaves."""
    revision = cache / "models--owner--tiny" / "snapshots" / "0a1b"
    shutil.copytree(model, revision)
    return revision


def stand_in(monkeypatch: pytest.MonkeyPatch, cache: Path, model: Path) -> list[str]:
    """A snapshot_download that takes the model from this computer; gives the names that it was asked for."""
    names = list[str]()

    def download(name: str, allow_patterns: list[str]) -> str:
        names.append(name)
        place = cache / "models--owner--tiny" / "snapshots" / "0a1b"
        place.mkdir(parents=True, exist_ok=True)
        for file in model.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        return str(place)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return names


def fetched(name: str, served_folder: Path, tmp_path: Path, **more: str) -> tuple[str, list[str]]:
    """What a process of its own says of fetching a name from a hub on this computer, and the files that it was sent."""
    served = list[str]()
    with local_hub(NAME, served_folder, served) as url:
        environment = {**os.environ, "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), **more}
        command = [sys.executable, "-c", FETCH, name]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip(), served


def test_no_code_is_fetched_and_no_pickle_beside_safetensors(model: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "modeling_own.py", "pytorch_model.bin", "a.pkl"):
        (repository / name).write_bytes(name.encode())
    kept, served = fetched(NAME, repository, tmp_path / "home")
    assert kept.split() == sorted(served) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_a_pickle_is_fetched_where_there_are_no_safetensors(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in ("config.json", "pytorch_model.bin", "training_args.bin"):
        (repository / name).write_bytes(name.encode())
    assert fetched(NAME, repository, tmp_path / "home")[0].split() == ["config.json", "pytorch_model.bin"]


@pytest.mark.parametrize(
    ("name", "more", "sentence"),
    [
        ("owner/none", {}, "there is no such model, or it is private: check the name, or `hf auth login`"),
        ("owner/closed", {}, "its owners ask for their terms to be accepted: do so on its page, then `hf auth login`"),
        (NAME, {"HF_HUB_OFFLINE": "1"}, "huggingface_hub is offline here: unset HF_HUB_OFFLINE"),
        (NAME, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "the hub cannot be reached"),
    ],
    ids=["does not exist", "gated", "offline", "no network"],
)
def test_what_cannot_be_fetched_is_said_in_one_sentence(
    name: str, more: dict[str, str], sentence: str, model: Path, tmp_path: Path
) -> None:
    words, served = fetched(name, model, tmp_path / "home", **more)
    assert words.startswith(f"cannot fetch {name!r} from http://127.0.0.1:")
    assert sentence in words
    assert "\n" not in words
    assert not served


def test_a_name_opens_what_the_cache_holds_and_asks_nobody(
    cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the network"))
    put_into(cache, model)
    assert load(NAME).cfg.model_name == "owner/tiny"
    assert typed_folder(NAME) == cache / "models--owner--tiny" / "snapshots" / "0a1b"


def test_a_name_that_is_not_here_is_refused_with_the_way_to_fetch_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the network"))
    sentence = rf"the hub's cache here holds no model of that name; load\('{NAME}', hub=True\) fetches it from .* --hub"
    for opened in (lambda: load(NAME), lambda: typed_folder(NAME)):
        with pytest.raises(NotFetchedError, match=sentence):
            opened()


def test_load_fetches_when_it_is_told_to(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = stand_in(monkeypatch, cache, model)
    assert load(NAME, hub=True).cfg.model_name == "owner/tiny"
    assert names == [NAME]


def test_a_folder_of_that_path_is_the_folder(cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the network"))
    monkeypatch.chdir(model.parent.parent)
    assert load(f"{model.parent.name}/{model.name}", hub=True).cfg.model_name == model.name


@pytest.mark.parametrize("words", [["inspect", NAME], ["convert", NAME, "new"]])
def test_the_command_names_its_flag_and_fetches_with_it(
    words: list[str], cache: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = stand_in(monkeypatch, cache, model)
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(command, words)
    assert (refused.exit_code, names) == (1, [])
    assert "--hub" in refused.output
    prompt = ["--prompt", "a b", "--what", "detectors", "--json"] if words[0] == "inspect" else []
    done = CliRunner().invoke(command, [*words, "--hub", *prompt])
    assert (done.exit_code, names) == (0, [NAME]), done.output


@pytest.mark.parametrize("text", ["a", "a/b/c", "../a", "a/..", "/a/b", "a b/c", "a--b/c", "a/b--c", "~/a", ""])
def test_what_is_no_name_of_the_hub_is_none(text: str) -> None:
    assert not is_hub_name(text)


def test_nothing_of_a_name_leads_out_of_the_cache(cache: Path) -> None:
    assert cached_repository(NAME) is None
    assert is_hub_name("openai-community/gpt2") and is_hub_name("Qwen/Qwen3-0.6B")
    assert set(hub.PICKLED).isdisjoint(hub.SAFETENSORS)

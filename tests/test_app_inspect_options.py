"""What may be chosen for `headscope inspect`: where a model runs and in which numbers, its texts, the heads shown."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_app_command import assert_refused, headscope
from tiny_models import CONTEXT, hooked_tiny, tiny_folder

from headscope.app.terminal import inspection
from headscope.app.terminal.inspected_prompts import texts_of
from headscope.app.terminal.shown_heads import shown_heads
from headscope.models.io.device import best_device, checked_device

ONE = ("--what", "negative_mass")
PROMPT = ("--prompt", "return x, y")


@pytest.fixture(scope="module")
def cog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("cog") / "cog", "cog")


def csv_of(*arguments: str | Path) -> pd.DataFrame:
    said = headscope("inspect", *arguments, *ONE, "--csv")
    assert said.exit_code == 0, said.output
    return pd.read_csv(io.StringIO(said.stdout))


def test_the_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for is_there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda is_there=is_there: is_there)
        assert (best_device(), checked_device(None)) == (device, device)


def test_a_model_is_opened_where_and_as_was_chosen(cog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def load(*chosen: Any, given: Any) -> Any:
        opened.extend((*chosen, given))
        return hooked_tiny("cog")

    monkeypatch.setattr(inspection, "load", load)
    said = headscope("inspect", cog, *PROMPT, *ONE, "--device", "cpu", "--dtype", "bfloat16")
    assert opened == [str(cog), "cpu", torch.bfloat16, {}] and said.stderr.endswith("ran on cpu\n")


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--device", "gpu"), "unknown device 'gpu'; devices are cpu, cuda"),
        (("--device", "cuda"), "device 'cuda' was asked for, and torch sees none here: cpu is there"),
        (("--dtype", "float31"), "unknown dtype 'float31'; known: float32, float64, bfloat16, float16, auto; did you"),
        (("--prompt-file", "no-such-file"), "cannot read the prompt in no-such-file: no such file"),
        (("--layer", "3"), "there is no L3 in cog; its heads run from L0H0 to L2H1"),
        (("--head", "L0H2"), "there is no L0H2 in cog; its heads run from L0H0 to L2H1"),
        (("--head", "5"), "a head is written as L2H3, got '5'"),
        (("--layer", "0", "--json"), "--layer and --head choose rows of the table and of --csv"),
        (("--head", "L0H0", "--html", "heads.html"), "--layer and --head choose rows of the table and of --csv"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_the_work(
    arguments: tuple[str, ...], refusal: str, cog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(inspection, "analyse", None)
    assert_refused(headscope("inspect", cog, *PROMPT, *arguments), refusal)


def test_a_file_reads_as_the_same_prompt(cog: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("return x, y\n")
    pd.testing.assert_frame_equal(csv_of(cog, "--prompt-file", file), csv_of(cog, *PROMPT))


def test_standard_input_is_a_prompt_and_only_the_last_line_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("if x:\n    y\n\n"))
    (tmp_path / "a").write_bytes(b"for\r\n")
    assert texts_of(["z"], [Path("-"), tmp_path / "a"]) == ("z", "if x:\n    y\n", "for")


def test_a_prompt_is_needed_and_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no prompt was given"):
        texts_of([], [])
    with pytest.raises(ValueError, match="it is no text in UTF-8"):
        texts_of([], [tmp_path / "picture"])


def test_a_text_beyond_the_context_is_refused_or_cut(cog: Path) -> None:
    long = ("--prompt", "x y z " * CONTEXT)
    assert headscope("inspect", cog, *long, *ONE).exit_code == 1
    said = headscope("inspect", cog, *long, *ONE, "--truncate", "--json")
    [prompt] = json.loads(said.stdout)["models"][0]["prompts"]
    assert len(prompt["tokens"]) == CONTEXT and "".join(prompt["tokens"]).startswith("x y z")


@pytest.mark.parametrize(
    ("layers", "heads", "places"),
    [
        ([1], [], [(1, 0), (1, 1)]),
        ([], ["L0H1"], [(0, 1)]),
        ([2], ["l0h0"], [(0, 0), (2, 0), (2, 1)]),
        ([], [], [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]),
    ],
)
def test_the_heads_that_were_named_are_shown(
    layers: list[int], heads: list[str], places: list[tuple[int, int]]
) -> None:
    table = shown_heads(layers, heads).of({"layer": np.array([0, 0, 1, 1, 2, 2]), "head": np.array([0, 1] * 3)})
    assert [*zip(table["layer"], table["head"], strict=True)] == places


def test_table_and_csv_keep_to_the_named_heads(cog: Path) -> None:
    assert len(csv_of(cog, *PROMPT, "--layer", "1")) == 2
    table = headscope("inspect", cog, *PROMPT, *ONE, "--head", "L0H1").stdout
    assert "L0H1 " in table and "L0H0 " not in table.split("attention")[1]


def test_the_word_all_is_every_analysis(cog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meant: list[Any] = []

    def analyse(model: Any, prompts: Any, what: Any, **choices: Any) -> Any:
        meant.append(what)
        raise ValueError("enough")

    monkeypatch.setattr(inspection, "analyse", analyse)
    for arguments in (("--all",), ("--what", "all"), ()):
        headscope("inspect", cog, *PROMPT, *arguments)
    assert meant == [("all",), ("all",), None]


def test_bos_is_put_or_left_out_as_chosen(cog: Path) -> None:
    first = []
    for choice in ("--bos", "--no-bos"):
        said = headscope("inspect", cog, *PROMPT, *ONE, choice, "--json")
        first.append(json.loads(said.stdout)["models"][0]["prompts"][0]["tokens"][0])
    assert first == ["<|endoftext|>", "re"]

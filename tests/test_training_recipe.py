"""Recipes: read from TOML, YAML and JSON alike, and refused by the name of the field that is wrong."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import tiny_tokenizer
from tiny_runs import tiny_plain, tiny_recipe, untrained

from headscope.models.data.table import fields_of
from headscope.models.training.recipe import OF_TEXT, RENAMED, Recipe, refuse_other_recipe
from headscope.models.training.recipe_file import read_recipe

TOML = 'steps = 3\nlr = 1e-3\n[model]\nmodel_type = "llama"\n[data]\nsource = "text"\npath = "words.txt"\n'
YAML = "steps: 3\nlr: 0.001\nmodel: {model_type: llama}\ndata:\n  source: text\n  path: words.txt\n"
JSON = '{"steps": 3, "lr": 1e-3, "model": {"model_type": "llama"}, "data": {"source": "text", "path": "words.txt"}}'
TEXT = Path("text.txt")


@pytest.mark.parametrize(("suffix", "text"), [(".toml", TOML), (".yaml", YAML), (".yml", YAML), (".json", JSON)])
def test_a_recipe_reads_the_same_from_every_format(suffix: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"recipe{suffix}"
    path.write_text(text)
    data = {"source": "text", "path": str(tmp_path / "words.txt")}
    assert read_recipe(path) == Recipe(model={"model_type": "llama"}, steps=3, lr=1e-3, data=data)


def test_a_recipe_with_a_relative_path_reads_the_same_from_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text(TOML)
    recipe = read_recipe(Path("recipe.toml"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(recipe.to_plain()))
    assert read_recipe(Path("run/recipe.json")) == recipe


@pytest.mark.parametrize("link", [False, True])
def test_a_recipe_made_in_code_is_that_of_its_run_whatever_its_paths_are_called(
    link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "texts")
    (tmp_path / "run").mkdir()
    path = str(tmp_path / "linked") if link else "texts"
    begun = [
        Recipe(model={"model_type": "llama"}, steps=3, data={"source": "text", "path": path}),
        Recipe(model={"start": path}, steps=3, data={"source": "stdlib"}),
        Recipe(model={"start": "softmax"}, steps=3, data={"source": "stdlib"}),
    ]
    for recipe in begun:
        (tmp_path / "run" / "recipe.json").write_text(json.dumps(recipe.to_plain()))
        assert read_recipe(tmp_path / "run" / "recipe.json").to_plain() == recipe.to_plain()
        assert Recipe.from_plain(recipe.to_plain()).to_plain() == recipe.to_plain()


def test_a_written_recipe_names_the_text_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "words.txt").write_text("the words that are read")
    recipe = Recipe(model={"model_type": "llama"}, steps=3, data={"source": "text", "path": "~/words.txt"})
    read, written = (fields_of(data).documents()[0].text for data in (recipe.data, recipe.to_plain()["data"]))
    assert written == read == "the words that are read"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"learning_rate": 1.0}, "unknown recipe field 'learning_rate'; known: model, data, steps, "),
        ({"steps": 0}, "recipe field 'steps' is 0; it must be at least 1"),
        ({"steps": 2.5}, "recipe field 'steps' is 2.5; it must be of type int"),
        ({"steps": True}, "recipe field 'steps' is True; it must be of type int"),
        ({"windows": "all"}, "unknown recipe windows 'all'; known: joined, documents"),
        ({"context": 0}, "recipe field 'data.context' is 0; it must be at least 1"),
        ({"context": "x"}, "recipe field 'data.context' is 'x'; it must be of type int"),
        ({"split_seed": -1}, "recipe field 'data.split_seed' is -1; it must be at least 0"),
        ({"model": "llama"}, "recipe field 'model' is 'llama'; it must be of type dict"),
        ({"lr": float("nan")}, "recipe field 'lr' is nan; it must not be negative or infinite"),
        ({"weight_decay": -1}, "recipe field 'weight_decay' is -1.0; it must not be negative or infinite"),
        ({"schedule": "step"}, "unknown recipe schedule 'step'; known: cosine, linear, constant"),
        ({"precision": "float16"}, "unknown recipe precision 'float16'; known: float32, bfloat16"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], refusal: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        tiny_recipe(TEXT, **changes)
    assert str(caught.value).startswith(refusal)


@pytest.mark.parametrize("old", RENAMED)
def test_a_field_of_an_old_recipe_is_refused_with_its_new_name(old: str) -> None:
    new = f"'{old}' of the table 'data'" if old in OF_TEXT else RENAMED[old]
    with pytest.raises(ValueError, match=f"^recipe field '{old}' is {new} now$"):
        Recipe.from_plain({**tiny_plain(TEXT), old: 1})


def test_a_missing_field_is_refused_by_name() -> None:
    plain = tiny_plain(TEXT)
    del plain["steps"]
    with pytest.raises(ValueError, match="recipe field 'steps' is missing; required: model, data, steps"):
        Recipe.from_plain(plain)


NINE_DEEP = "a: &a [1, 1]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi"))


@pytest.mark.parametrize(
    ("name", "text", "refusal"),
    [
        ("a.ini", "", r"recipe .*a\.ini ends in '\.ini'; known: \.toml, \.yaml, \.yml, \.json"),
        ("a.toml", "steps = ", r"recipe .*a\.toml cannot be read as \.toml: "),
        ("a.yaml", "steps: [", r"recipe .*a\.yaml cannot be read as \.yaml: "),
        ("a.yaml", "- 1", r"recipe .*a\.yaml holds a list; it must be a table of fields"),
        ("a.json", "{", r"recipe .*a\.json cannot be read as \.json: "),
        ("a.yaml", NINE_DEEP, r"recipe .*a\.yaml cannot be read .* more than 16 aliases"),
        ("a.yaml", "a: &a [*a]", r"recipe .*a\.yaml cannot be read .* more than 64 tables or lists deep"),
        ("a.json", '{"model": ' + "[" * 99 + "]" * 99 + "}", r"recipe .*a\.json .* more than 64 tables or lists deep"),
        ("a.toml", "#" * 2**17, r"recipe .*a\.toml cannot be read .*it has 131072 bytes; at most 65536 are read"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(name: str, text: str, refusal: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=refusal):
        read_recipe(tmp_path / name)


def test_a_recipe_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no recipe at"):
        read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (
            {"data": {"source": "stories", "vocabulary": 10**9}},
            "'data.vocabulary' is 1000000000; it must be at most 10",
        ),
        (
            {"data": {"source": "stories", "context": 10**9}},
            "'data.context' is 1000000000; it must be at most 16777216",
        ),
        ({"data": {"source": "delayed_sums", "laws": [[99, 99]]}}, "a law of more than 2^20 states"),
        ({"batch": 10**9}, "'batch' is 1000000000; it must be at most 1048576"),
        ({"two\nlines": 1}, "unknown recipe field 'two\\nlines'; known: "),
        ({"steps": 10**100}, "'steps' has 333 bits; whole numbers have at most 63"),
    ],
)
def test_a_number_beyond_all_use_is_refused_by_name(changes: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=re.escape(refusal)):
        Recipe.from_plain({**tiny_plain(TEXT), **changes})


@pytest.mark.parametrize(
    ("size", "refusal"),
    [
        ({"hidden_size": 2**20, "intermediate_size": 2**20}, "GiB of memory in training, and .* are free here"),
        ({"num_hidden_layers": 10**9}, "has 1000000000 layers; at most 1024 are trained"),
    ],
)
def test_a_model_beyond_the_memory_is_refused_before_it_is_made(size: dict[str, int], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        untrained(tiny_recipe(TEXT, model={**tiny_recipe(TEXT).model, **size}), tiny_tokenizer())


@pytest.mark.parametrize(
    ("model", "refusal"),
    [
        ({}, "has no 'model_type'"),
        ({"model_type": "llama", "vocab_size": 9}, "sets 'vocab_size', which the tokenizer"),
        ({"model_type": "llama", "n_layers": 9}, "unknown llama field 'n_layers'; known: "),
        ({"model_type": "llama", "hiden_size": 9}, "unknown llama field 'hiden_size'; known: hidden_size"),
        ({"model_type": "llama", "max_position_embeddings": 8}, "context is 16; its model has 8 positions"),
    ],
)
def test_a_wrong_model_is_refused_by_name(model: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        untrained(tiny_recipe(TEXT, model=model), tiny_tokenizer())


def test_all_variants_begin_with_equal_weights() -> None:
    softmax, cog = (
        untrained(tiny_recipe(TEXT, attention={"variant": name}), tiny_tokenizer()) for name in ("softmax", "cog")
    )
    assert all(one.equal(other) for one, other in zip(softmax.parameters(), cog.parameters(), strict=True))


@pytest.mark.parametrize("tied", [False, True])
def test_every_token_has_an_embedding_that_learns(tied: bool) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.bos_token
    fields = {**tiny_recipe(TEXT).model, "tie_word_embeddings": tied}
    model = untrained(tiny_recipe(TEXT, model=fields), tokenizer)
    ids = torch.arange(16)[None]
    model(ids, labels=ids).loss.backward()
    embedding = model.get_input_embeddings().get_parameter("weight")
    assert embedding.abs().amax(1).min() > 0
    assert embedding.grad is not None and embedding.grad[:15].abs().amax(1).min() > 0


def test_a_run_does_not_go_on_under_another_recipe() -> None:
    with pytest.raises(ValueError, match=r"recipe field 'lr' was 0\.01 when this run began and is 0\.5 now"):
        refuse_other_recipe(tiny_recipe(TEXT), tiny_recipe(TEXT, lr=0.5))


def test_steps_may_grow_only_under_a_schedule_that_does_not_look_at_them() -> None:
    refuse_other_recipe(tiny_recipe(TEXT, schedule="constant"), tiny_recipe(TEXT, schedule="constant", steps=9))
    with pytest.raises(ValueError, match="recipe field 'steps' was 6"):
        refuse_other_recipe(tiny_recipe(TEXT), tiny_recipe(TEXT, steps=9))

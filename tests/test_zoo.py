"""The zoo: names, folders and snapshots of the shipped models."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from tiny_models import hooked_tiny

from headscope import load
from headscope.interp.arms.trial import Trial
from headscope.interp.asking.head_jobs import circuit_heads
from headscope.interp.experiments.e5_frobenius_norms.frobenius_norms import SIZES as VISION_SIZES
from headscope.interp.experiments.e5_frobenius_norms.frobenius_norms import vision_recipe
from headscope.interp.experiments.engine.publishing import shipped
from headscope.models import zoo
from headscope.models.attention import VARIANTS
from headscope.models.checkpoints import open_folder
from headscope.models.data.images.denoising import denoising_validation_batch, losses_by_timestep
from headscope.models.data.images.digits import digits
from headscope.models.hosts.spec import AttentionSpec
from headscope.models.io.plain_values import read_plain
from headscope.models.training.recipe import Recipe
from headscope.models.training.recipe_file import read_recipe
from headscope.models.training.shipped import shipped_circuits

LANGUAGE = [name for name in zoo.names() if name in zoo.KNOWN]


def test_names_are_variants_in_the_order_of_their_table_and_then_models_of_stories_and_images() -> None:
    known = (*VARIANTS, "gate", *zoo.LONGER, "ioi-softmax", "ioi-cog", "vit-softmax", "vit-cubic")
    assert [name for name in known if name in zoo.names()] == list(zoo.names())


def test_a_folder_counts_once_it_holds_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "HERE", tmp_path)
    for name in ("selective", "cog", "other"):
        (tmp_path / name).mkdir()
    for name in ("selective", "other"):
        (tmp_path / name / "config.json").write_text("{}")
    assert zoo.names() == ("selective",)
    assert zoo.folder("selective") == tmp_path / "selective"
    with pytest.raises(ValueError, match="unknown model 'cog'; the zoo has: selective"):
        zoo.folder("cog")


def test_snapshots_are_sorted_by_step(tmp_path: Path) -> None:
    for name in ("step-000100", "step-1000000", "step-000002", "step-3", "step-000004.partial", "steps"):
        (tmp_path / name).mkdir()
    (tmp_path / "step-000005").write_text("a file")
    assert list(zoo.snapshots(tmp_path).items()) == [
        (2, tmp_path / "step-000002"),
        (100, tmp_path / "step-000100"),
        (1000000, tmp_path / "step-1000000"),
    ]


def test_snapshots_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"snapshots of .*: there is no such folder"):
        zoo.snapshots(tmp_path / "none")


@pytest.mark.parametrize("name", [name for name in LANGUAGE if name not in zoo.STORIES])
def test_the_table_says_which_circuits_a_model_has(name: str) -> None:
    measured, written = circuit_heads(load(name)), shipped_circuits()[name]
    assert [item.is_there for item in measured.values()] == [written[kind].is_there for kind in measured]
    assert all(item.share == pytest.approx(written[kind].share, abs=0.002) for kind, item in measured.items())


def test_a_model_with_too_little_context_for_circuits_is_refused() -> None:
    with pytest.raises(ValueError, match="circuits are looked for in 192 tokens; the model's context has"):
        circuit_heads(hooked_tiny("cog"))


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_shipped_model_opens_with_its_variant_and_tokenizer(name: str) -> None:
    opened = open_folder(zoo.folder(name))
    assert opened.spec.gate or opened.spec.variant == zoo.LONGER.get(name, name.removeprefix("ioi-"))
    assert opened.tokenizer is not None
    assert len(opened.tokenizer) <= opened.model.config.vocab_size


@pytest.mark.parametrize("name", LANGUAGE)
def test_snapshots_are_the_same_model_at_other_steps(name: str) -> None:
    final = open_folder(zoo.folder(name))
    for step in zoo.snapshots(zoo.folder(name)).values():
        snapshot = open_folder(step)
        assert snapshot.spec == final.spec
        assert snapshot.fingerprint != final.fingerprint


def same_run(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes train the same, however their attention is written down."""
    return one.spec == other.spec and replace(one, attention={}) == replace(other, attention={})


@pytest.mark.parametrize("name", [*zoo.KNOWN, *zoo.VISION, *zoo.DIFFUSION])
def test_a_shipped_model_has_the_shape_and_attention_of_its_recipe(name: str) -> None:
    recipe, opened = read_recipe(zoo.HERE / name / "recipe.toml"), open_folder(zoo.folder(name))
    assert (opened.spec.variant, opened.spec.layers) == (recipe.spec.variant, recipe.spec.layers)
    assert {field: getattr(opened.model.config, field) for field in recipe.model} == recipe.model


@pytest.mark.parametrize(("name", "attention"), [("vit-softmax", "softmax"), ("vit-cubic", "x^3/sqrt(N)")])
def test_the_recipe_of_a_shipped_model_of_images_is_that_of_the_first_seed(name: str, attention: str) -> None:
    trial = Trial({"attention": attention}, 0)
    assert same_run(vision_recipe(trial, VISION_SIZES["default"]), read_recipe(zoo.HERE / name / "recipe.toml"))


def test_the_recipes_of_the_shipped_diffusion_models_differ_in_their_attention_alone() -> None:
    softmax, cog = (read_recipe(zoo.HERE / name / "recipe.toml") for name in zoo.DIFFUSION)
    assert (softmax.spec, cog.spec) == (AttentionSpec("softmax"), AttentionSpec("cog", layers="inner"))
    assert replace(softmax, attention={}) == replace(cog, attention={})


@pytest.mark.parametrize("name", zoo.DIFFUSION)
def test_a_shipped_diffusion_model_is_the_end_of_its_recipe_with_the_loss_that_it_says(name: str) -> None:
    recipe, model = read_recipe(zoo.HERE / name / "recipe.toml"), cast(Any, open_folder(zoo.folder(name)).model)
    facts = cast(dict[str, Any], read_plain(zoo.HERE / name / "training.json"))
    timesteps = recipe.data["timesteps"]
    loss = losses_by_timestep(model, denoising_validation_batch(digits().validation, timesteps), timesteps).mean()
    assert facts == {**facts, "steps": recipe.steps, "images": recipe.steps * recipe.batch}
    assert (model.num_parameters(), loss.item()) == (
        facts["parameters"],
        pytest.approx(facts["validation_loss"], abs=1e-4),
    )


@pytest.mark.parametrize(("name", "attention"), [("vit-softmax", "softmax"), ("vit-cubic", "x^3/sqrt(N)")])
def test_a_shipped_model_of_images_is_that_of_the_experiment(name: str, attention: str) -> None:
    told = shipped("E5").outcome.where(attention=attention).trials[0]
    held_out = digits().validation
    with torch.no_grad():
        model = open_folder(zoo.folder(name)).model
        right = model(pixel_values=held_out.images).logits.argmax(-1) == held_out.labels
    assert told.trial.seed == 0 and right.float().mean().item() == pytest.approx(told.numbers["accuracy"], abs=1e-4)

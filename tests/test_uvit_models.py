"""Diffusion transformers with every variant: plain, hooked, saved, and trained."""

import json
from pathlib import Path

import pytest
import torch
from tiny_decoders import SPECS
from tiny_diffusion import D_MODEL, HEADS, LAYERS, TOKENS, tiny_recipe, tiny_uvit, untrained_uvit, uvit_fields

from headscope import AttentionSpec, detach, load, save
from headscope.models import zoo
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.data.images.denoising import (
    denoising_objective,
    denoising_training_batch,
    denoising_validation_batch,
)
from headscope.models.data.images.digits import CLASSES, digits
from headscope.models.fitting.history import read_history
from headscope.models.hooked import hooked
from headscope.models.training.loop import train
from headscope.models.training.recipe_file import read_recipe
from headscope.models.uvit.tokens import sinusoidal
from headscope.models.uvit.uvit import image_from_patches

every_spec = pytest.mark.parametrize("name", SPECS)
DICE = torch.Generator().manual_seed(0)
NOISY = torch.randn(3, 1, 8, 8, generator=DICE)
TIMESTEP, LABEL = torch.tensor([1, 500, 999]), torch.tensor([0, 3, CLASSES])


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_attached_softmax_is_the_model_itself() -> None:
    model = untrained_uvit(AttentionSpec("softmax")).eval()
    close(model(NOISY, TIMESTEP, LABEL).noise, detach(model)(NOISY, TIMESTEP, LABEL).noise)


@every_spec
def test_the_noise_has_the_shape_of_the_image_and_is_the_same_with_patterns(name: str) -> None:
    model = tiny_uvit(name)
    told = model(NOISY, TIMESTEP, LABEL, output_attentions=True, output_hidden_states=True)
    assert told.noise.shape == NOISY.shape
    assert [one.shape for one in told.attentions] == [(3, HEADS, TOKENS, TOKENS)] * LAYERS
    assert [one.shape for one in told.hidden_states] == [(3, TOKENS, D_MODEL)] * (LAYERS + 1)
    close(model(NOISY, TIMESTEP, LABEL).noise, told.noise)


@every_spec
def test_images_of_a_batch_do_not_mix(name: str) -> None:
    model = tiny_uvit(name)
    close(model(NOISY[:1], TIMESTEP[:1], LABEL[:1]).noise, model(NOISY, TIMESTEP, LABEL).noise[:1])


@pytest.mark.parametrize("changed", ["time", "class", "image"])
def test_every_token_is_read(changed: str) -> None:
    model = tiny_uvit()
    other = {"time": (NOISY, TIMESTEP - 1, LABEL), "class": (NOISY, TIMESTEP, LABEL.flip(0))}
    given = other.get(changed, (NOISY.flip(0), TIMESTEP, LABEL))
    assert not torch.allclose(model(NOISY, TIMESTEP, LABEL).noise, model(*given).noise)


def test_without_labels_all_are_of_the_null_class() -> None:
    model = tiny_uvit()
    assert torch.equal(model(NOISY, TIMESTEP).noise, model(NOISY, TIMESTEP, torch.full((3,), CLASSES)).noise)


def test_a_block_on_the_way_out_reads_its_twin() -> None:
    model = tiny_uvit()
    before = model(NOISY, TIMESTEP, LABEL).noise
    takes = [layer.skip_linear is not None for layer in model.layers]
    assert takes == [False, False, False, True, True]
    with torch.no_grad():
        model.layers[-1].skip_linear.weight[:, D_MODEL:] = 0  # of what left the first block
    assert not torch.allclose(model(NOISY, TIMESTEP, LABEL).noise, before)


def test_patches_are_joined_where_they_were_cut() -> None:
    model = tiny_uvit()
    images = torch.arange(64.0).view(1, 1, 8, 8)
    patches = images.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).flatten(2, 3)[:, 0]
    assert torch.equal(image_from_patches(patches, model.config), images)


def test_gradients_reach_every_parameter() -> None:
    model = untrained_uvit(SPECS["selective"], layers=LAYERS).train()
    model(NOISY, TIMESTEP, LABEL).noise.square().mean().backward()
    assert [name for name, one in model.named_parameters() if one.grad is None] == []


def test_equal_seeds_give_equal_weights_for_every_variant() -> None:
    one, other = (untrained_uvit(AttentionSpec(name)).state_dict() for name in ("softmax", "cog"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_class_is_as_loud_as_a_time_at_first() -> None:
    tokens = untrained_uvit(AttentionSpec("cog")).embeddings
    time = sinusoidal(torch.tensor([500]), 64).square().mean()
    assert float(tokens.classes.weight.detach().square().mean() / time) == pytest.approx(
        2, rel=0.2
    )  # variance 1 and 1/2


def test_cog_of_a_recipe_leaves_softmax_in_the_first_and_the_last_block() -> None:
    model = untrained_uvit(read_recipe(zoo.HERE / "uvic" / "recipe.toml").spec, layers=LAYERS)
    variants = [layer.attention.variant.variant.name for layer in model.layers]
    assert variants == ["softmax", "cog", "cog", "cog", "softmax"]


@pytest.mark.parametrize(("shape", "words"), [({"layers": 4}, "odd number of blocks"), ({"patch": 3}, "do not tile")])
def test_a_shape_that_is_no_u_vit_is_refused(shape: dict[str, int], words: str) -> None:
    with pytest.raises(Exception, match=words):
        untrained_uvit(AttentionSpec("cog"), **shape)


# Hooked


@every_spec
def test_hooked_it_answers_alike_and_shows_its_patterns_and_residuals(name: str) -> None:
    model = tiny_uvit(name)
    with torch.no_grad():
        told = model(NOISY, TIMESTEP, LABEL, output_attentions=True, output_hidden_states=True)
        noise, cache = hooked(model).run_with_cache(NOISY, timestep=TIMESTEP, label=LABEL)
    close(noise, told.noise)
    close(cache["blocks.0.hook_resid_pre"], told.hidden_states[0])
    for layer in range(LAYERS):
        close(cache[f"blocks.{layer}.attn.hook_pattern"], told.attentions[layer])
        close(cache[f"blocks.{layer}.hook_resid_post"], told.hidden_states[layer + 1])


def test_edits_of_a_pattern_change_the_noise() -> None:
    bridge = hooked(tiny_uvit())
    given = {"timestep": TIMESTEP, "label": LABEL}
    with torch.no_grad():
        edited = bridge.run_with_hooks(
            NOISY, **given, fwd_hooks=[("blocks.2.attn.hook_pattern", lambda pattern, hook: pattern * 0)]
        )
        assert float((edited - bridge(NOISY, **given)).abs().max()) > 1e-3


# Saved


@every_spec
def test_what_is_saved_opens_bit_for_bit(name: str, tmp_path: Path) -> None:
    model = tiny_uvit(name)
    opened = open_folder(save(model, tmp_path / "model"))
    before, after = model.state_dict(), opened.model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(model(NOISY, TIMESTEP, LABEL).noise, opened.model(NOISY, TIMESTEP, LABEL).noise)


def test_a_hooked_model_saves_the_folder_that_it_was_loaded_from(tmp_path: Path) -> None:
    first = save(tiny_uvit(), tmp_path / "first")
    second = save(load(first), tmp_path / "second")
    assert {file.name: file.read_bytes() for file in first.iterdir()} == {
        file.name: file.read_bytes() for file in second.iterdir()
    }


def test_a_config_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = save(tiny_uvit(), tmp_path / "model")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**fields, "image_size": 16}))
    with pytest.raises(CheckpointError, match=r"config\.json makes it"):
        open_folder(folder)


# Trained


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    data = digits().training
    one, again, other = (
        denoising_training_batch(data, timesteps=1000, batch=8, seed=0, step=step) for step in (3, 3, 4)
    )
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["noise"], other["noise"])


def test_about_a_tenth_of_the_labels_is_dropped() -> None:
    shown = denoising_training_batch(digits().training, timesteps=1000, batch=4000, seed=0, step=0)
    assert float((shown["label"] == CLASSES).float().mean()) == pytest.approx(0.1, abs=0.02)


def test_every_held_out_image_is_looked_at_from_noise_to_image() -> None:
    data = digits().validation
    shown = denoising_validation_batch(data, 1000)
    assert len(shown["images"]) == 10 * len(data)
    assert shown["timestep"][:10].tolist() == [50, 150, 250, 350, 450, 550, 650, 750, 850, 950]


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=40, batch=16, warmup=4, model=uvit_fields(d_model=32, layers=3, heads=2))
    train(recipe, tmp_path / "run")
    history = read_history(tmp_path / "run" / "history.jsonl")
    assert history[-1]["validation_loss"] < 0.9 * history[0]["validation_loss"]


def test_a_stopped_training_goes_on_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=6)
    train(recipe, tmp_path / "whole")

    def stop(record: dict[str, object]) -> None:
        if record["step"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, tmp_path / "halved", stop)
    train(recipe, tmp_path / "halved")
    whole, went_on = (open_folder(tmp_path / name).model for name in ("whole", "halved"))
    weights = went_on.state_dict()
    assert all(torch.equal(one, weights[name]) for name, one in whole.state_dict().items())


def test_another_recipe_is_not_trained_into_a_folder(tmp_path: Path) -> None:
    train(tiny_recipe(), tmp_path / "run")
    assert read_recipe(tmp_path / "run" / "recipe.json") == tiny_recipe()
    with pytest.raises(ValueError, match="recipe field 'attention' was"):
        train(tiny_recipe("softmax"), tmp_path / "run")


# Shipped


def test_the_diffusion_models_are_no_language_models() -> None:
    assert not set(zoo.names()) & set(zoo.diffusion_names())


@pytest.mark.parametrize("name", zoo.diffusion_names())
def test_a_shipped_diffusion_model_tells_noise_better_than_nothing(name: str) -> None:
    opened = open_folder(zoo.folder(name))
    shown = denoising_validation_batch(digits().validation, 1000)
    objective = denoising_objective(digits(), timesteps=1000, batch=1, seed=0)
    assert opened.spec.variant == {"uvit": "softmax", "uvic": "cog"}[name]
    assert float(objective.loss(opened.model, {key: one[:100] for key, one in shown.items()}).detach()) < 0.4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_weights_open_as_they_are_stored(dtype: torch.dtype, tmp_path: Path) -> None:
    opened = open_folder(save(tiny_uvit().to(dtype), tmp_path / "narrow"), dtype="auto").model
    images, timestep = torch.randn(1, 1, 8, 8), torch.tensor([500])
    assert opened.dtype == dtype
    assert opened(images, timestep).noise.isfinite().all()

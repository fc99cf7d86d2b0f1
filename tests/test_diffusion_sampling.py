"""The steps from noise to images, by their laws; the distance of sets of images; what is read on the way."""

import pytest
import torch
from tiny_diffusion import HEADS, LAYERS, TOKENS, tiny_uvit

from headscope.interp.diffusion.denoising_run import (
    denoising_patterns,
    denoising_run,
    diffusion_token_names,
    patch_residuals,
)
from headscope.interp.diffusion.frechet import frechet_distance
from headscope.interp.diffusion.image_grid import image_grid
from headscope.interp.diffusion.patch_attention import patch_attention
from headscope.interp.diffusion.timesteps import over_timesteps, subtracted_mass
from headscope.interp.figures.vision.images import image_mosaic
from headscope.interp.figures.vision.patch_attention import heads_on_patches_figure
from headscope.models.data.images.ddim import next_image, sample, spread_timesteps
from headscope.models.data.images.digits import CLASSES, digits
from headscope.models.data.images.features import digit_classifier, from_file
from headscope.models.data.images.noise_schedule import kept_signal, kept_signal_at, noisy_images

DIGIT = digits().training.images[:4]


def noise_of(shape: torch.Size, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# The schedule


def test_the_signal_falls_from_all_to_nothing() -> None:
    kept = kept_signal(1000)
    assert bool((kept.diff() < 0).all()) and float(kept[0]) > 0.999 and 0 < float(kept[-1]) < 1e-4


@pytest.mark.parametrize("timestep", [0, 500, 999])
def test_noised_images_of_unit_variance_keep_it(timestep: int) -> None:
    clean, noise = noise_of(torch.Size([400, 1, 8, 8])), noise_of(torch.Size([400, 1, 8, 8]), 1)
    at = kept_signal_at(torch.full((400,), timestep), 1000)
    assert float(noisy_images(clean, noise, at).var()) == pytest.approx(1, abs=0.02)


# DDIM


@pytest.mark.parametrize("timestep", [0, 300, 700, 990])
def test_one_step_with_the_true_noise_recovers_the_image(timestep: int) -> None:
    noise = noise_of(DIGIT.shape)
    kept = kept_signal(1000)[timestep]
    noisy = noisy_images(DIGIT, noise, kept.expand(4))
    torch.testing.assert_close(next_image(noisy, noise, float(kept), 1.0), DIGIT, atol=2e-3, rtol=0)


def test_a_step_with_the_true_noise_gives_the_image_with_less_of_the_same_noise() -> None:
    noise, kept = noise_of(DIGIT.shape), kept_signal(1000)
    noisy, less = (noisy_images(DIGIT, noise, kept[at].expand(4)) for at in (700, 200))
    torch.testing.assert_close(next_image(noisy, noise, float(kept[700]), float(kept[200])), less, atol=1e-4, rtol=0)


def test_a_sampling_goes_from_the_noise_of_its_seed_to_images() -> None:
    told: list[int] = []
    found = sample(
        tiny_uvit(), torch.tensor([1, 2]), seed=5, steps=4, watch=lambda words, done, total: told.append(done)
    )
    assert told == [1, 2, 3, 4] and found.timesteps == (999, 666, 333, 0)
    assert torch.equal(found.path[0], noise_of(torch.Size([2, 1, 8, 8]), 5))
    assert found.path.shape == (5, 2, 1, 8, 8) and float(found.images.abs().max()) <= 1


def test_a_sampling_is_a_function_of_seed_label_and_steps() -> None:
    model = tiny_uvit()
    one, again, other = (sample(model, torch.tensor([3]), seed=seed, steps=3).images for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_guidance_of_the_null_class_changes_nothing() -> None:
    model, free = tiny_uvit(), torch.tensor([CLASSES])
    plain, guided = (sample(model, free, steps=3, guidance=strength).images for strength in (1.0, 3.0))
    torch.testing.assert_close(plain, guided, atol=1e-4, rtol=1e-4)


def test_a_watch_that_raises_stops_the_sampling() -> None:
    def stop(words: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(tiny_uvit(), torch.tensor([1]), steps=4, watch=stop)


@pytest.mark.parametrize("steps", [0, 1001])
def test_steps_that_are_not_there_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="this model was trained on 1000 timesteps"):
        spread_timesteps(1000, steps)


# Fréchet distance


def test_equal_sets_are_no_distance_apart() -> None:
    features = noise_of(torch.Size([200, 8]))
    assert frechet_distance(features, features[torch.randperm(200)]) == pytest.approx(0, abs=1e-6)


def test_it_is_the_closed_form_for_gaussians_with_equal_axes() -> None:
    scale, shift = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.5, 0.0, -1.0])
    one = noise_of(torch.Size([50_000, 3]))
    expected = float(shift.square().sum() + (1 - scale).square().sum())  # ‖Δμ‖² + Σ(σ₁ − σ₂)²
    assert frechet_distance(one, one * scale + shift) == pytest.approx(expected, rel=0.02)


def test_it_is_symmetric_and_turning_both_sets_changes_nothing() -> None:
    one, other = noise_of(torch.Size([300, 6])), noise_of(torch.Size([200, 6]), 1) * 2 + 1
    turned = torch.linalg.qr(noise_of(torch.Size([6, 6]), 2)).Q
    found = frechet_distance(one, other)
    assert frechet_distance(other, one) == pytest.approx(found, rel=1e-5)
    assert frechet_distance(one @ turned, other @ turned) == pytest.approx(found, rel=1e-4)


def test_one_image_has_no_spread() -> None:
    with pytest.raises(ValueError, match="two images at least"):
        frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))


def test_the_classifier_is_the_same_from_its_file_and_reads_digits(tmp_path) -> None:  # noqa: ANN001
    made = digit_classifier(tmp_path / "classifier.safetensors")
    held_out = digits().validation
    assert float((made.classes(held_out.images) == held_out.labels).float().mean()) > 0.95
    again = from_file(tmp_path / "classifier.safetensors")
    assert torch.equal(made.features(held_out.images), again.features(held_out.images))


# On the way


def test_patterns_are_those_of_the_model() -> None:
    model, noisy = tiny_uvit(), noise_of(torch.Size([1, 8, 8]))
    found = denoising_patterns(model, noisy, 400, 3)
    told = model(noisy[None], torch.tensor([400]), torch.tensor([3]), output_attentions=True).attentions
    assert found.shape == (LAYERS, HEADS, TOKENS, TOKENS)
    torch.testing.assert_close(found, torch.cat(told))


@pytest.mark.parametrize(("timestep", "label"), [(1000, 0), (-1, 0), (0, 11)])
def test_what_the_model_does_not_know_is_refused(timestep: int, label: int) -> None:
    with pytest.raises(ValueError, match="this model knows 0 to"):
        denoising_run(tiny_uvit(), noise_of(torch.Size([1, 1, 8, 8])), timestep, label)


def test_patch_attention_is_a_row_of_the_pattern_at_its_places() -> None:
    model, noisy = tiny_uvit(), noise_of(torch.Size([1, 8, 8]))
    found, row = patch_attention(model, noisy, 400, 3, 7), denoising_patterns(model, noisy, 400, 3)[:, :, 7]
    names = diffusion_token_names(model.config)
    assert torch.equal(found.before_patches, row[..., :2])
    assert float(found.weight[2, 1, 3, 0]) == float(row[2, 1, names.index("patch 3,0")])


def test_the_minority_mass_of_softmax_is_zero_and_flipping_a_head_changes_nothing() -> None:
    run = denoising_run(tiny_uvit("cog"), noise_of(torch.Size([2, 1, 8, 8])), 300, 1)
    torch.testing.assert_close(subtracted_mass(run.pattern), subtracted_mass(-run.pattern))
    assert float(subtracted_mass(run.pattern.softmax(-1)).max()) == 0


def test_alike_patches_have_cosine_one() -> None:
    model = tiny_uvit()
    found = over_timesteps(model, sample(model, torch.tensor([2]), steps=3), 2)
    assert found.collapse.mean_cosine.shape == (3, LAYERS + 1)
    assert found.subtracted.labels["timestep"] == ("999", "500", "0")
    assert patch_residuals(torch.zeros(1, 4, TOKENS, 2)).shape == (1, 4, TOKENS - 2, 2)


def test_the_mosaic_keeps_every_pixel_in_its_place() -> None:
    images = torch.arange(12 * 4.0).view(12, 2, 2).numpy()
    cells, owner = image_mosaic(images)
    assert cells.shape == (8, 14) and (cells[:2, 3:5] == images[1]).all() and (cells[6:, :2] == images[10]).all()
    assert owner[0, 0] == 0 and owner[2, 0] == -1 and owner[7, 4] == 11


def test_every_result_has_its_figure() -> None:
    model = tiny_uvit()
    sampling = sample(model, torch.tensor([2, 2]), steps=3)
    found, over = patch_attention(model, sampling.path[1, 0], 500, 2, 5), over_timesteps(model, sampling, 2)
    shown = [found.figure(), heads_on_patches_figure(found), over.collapse.figure(), over.subtracted.figure()]
    shown.append(image_grid(sampling.images, ("a", "b"), "two").figure())
    assert all(len(figure.to_dict()["data"]) > 0 for figure in shown)

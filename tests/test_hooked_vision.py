"""Vision transformers with every variant: nothing is hidden from a patch, plain, hooked and saved."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hooked_cases import distance_of_roundings
from tiny_decoders import SPECS
from tiny_vits import HEADS, LAYERS, TOKENS, random_images, tiny_vit, untrained_vit
from transformers import ViTForImageClassification, ViTModel

from headscope import AttentionSpec, attach, detach, load, save
from headscope.models.attention import VARIANTS
from headscope.models.checkpoints import CheckpointError, open_folder
from headscope.models.data.images.digits import CLASSES, all_digits, digits
from headscope.models.hooked import HookedBridge, hooked
from headscope.models.hooked.patternless import patternless

WITH_ZEROS, ORDERED = ("softpick", "relu", "entmax"), ("stick_breaking",)  # weights of 0; keys that take in their order
every_spec = pytest.mark.parametrize("name", SPECS)
LAYER = "blocks.1.attn"
IMAGES = random_images(3)


class Case:
    """One variant: the plain model's logits and patterns, the same model hooked, and one cached run."""

    def __init__(self, name: str) -> None:
        model = tiny_vit(name)
        with torch.no_grad():
            told = model(IMAGES, output_attentions=True)
            self.plain_logits, self.plain_patterns = told.logits, told.attentions
            self.fused_logits = model(IMAGES).logits
            self.bridge: HookedBridge = hooked(model)
            self.logits, self.cache = self.bridge.run_with_cache(IMAGES)

    def value(self, name: str) -> torch.Tensor:
        return self.cache[f"{LAYER}.{name}"]

    def edited(self, hook: str, edit: Any) -> torch.Tensor:
        with torch.no_grad():
            return self.bridge.run_with_hooks(IMAGES, fwd_hooks=[(f"{LAYER}.{hook}", lambda x, hook: edit(x))])


case = cache(Case)


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


# The digits


def test_every_digit_is_in_one_part() -> None:
    parts = digits()
    numbers = torch.cat([parts.training.numbers, parts.validation.numbers])
    assert torch.equal(numbers.sort().values, torch.arange(len(all_digits())))


def test_a_digit_keeps_its_label_and_its_pixels() -> None:
    whole, part = all_digits(), digits().validation
    assert torch.equal(part.images, whole.images[part.numbers])
    assert torch.equal(part.labels, whole.labels[part.numbers])
    assert (float(whole.images.min()), float(whole.images.max())) == (-1, 1)


# Attached


def test_attached_softmax_is_the_model_itself() -> None:
    model = untrained_vit(AttentionSpec("softmax")).eval()
    close(model(IMAGES).logits, detach(model)(IMAGES).logits)


@every_spec
def test_the_pattern_that_is_shown_is_the_one_that_is_used(name: str) -> None:
    close(case(name).plain_logits, case(name).fused_logits)


@every_spec
def test_every_patch_sees_every_patch(name: str) -> None:
    patterns = torch.stack([*case(name).plain_patterns])
    assert patterns.shape[1:] == (3, HEADS, TOKENS, TOKENS)
    if name in ORDERED:
        patterns = patterns[..., :-1]  # the last patch is taken for the query's own
    sees = patterns != 0
    assert bool((sees.flatten(0, 2).any(0) if name in WITH_ZEROS else sees).all())


@every_spec
def test_the_order_of_the_patches_is_in_their_positions_alone(name: str) -> None:
    model = tiny_vit(name)
    before = model(IMAGES).logits
    flipped = IMAGES.unflatten(-1, (4, 2)).flip(-2).flatten(-2)  # the columns of patches from right to left
    places = model.vit.embeddings.position_embeddings.data
    of_patches = places[:, 1:].unflatten(1, (4, 4)).flip(2).flatten(1, 2)
    model.vit.embeddings.position_embeddings.data = torch.cat([places[:, :1], of_patches], 1)
    reads_order = VARIANTS[SPECS[name].variant].reads_order
    assert torch.allclose(model(flipped).logits, before, atol=1e-5, rtol=1e-4) == (not reads_order)


@every_spec
def test_images_of_a_batch_do_not_mix(name: str) -> None:
    model = tiny_vit(name)
    close(model(IMAGES[:1]).logits, model(IMAGES).logits[:1])


def test_a_patch_that_is_masked_is_unseen() -> None:
    model = tiny_vit("selective")
    mask = torch.ones(1, TOKENS, dtype=torch.long)
    mask[0, -1] = 0
    other = IMAGES[:1].clone()
    other[..., -2:, -2:] = 0.5
    close(model(IMAGES[:1], attention_mask=mask).logits, model(other, attention_mask=mask).logits)
    assert not torch.allclose(model(IMAGES[:1]).logits, model(other).logits)


def test_the_coefficient_follows_the_number_of_tokens() -> None:
    assert untrained_vit(AttentionSpec("polynomial")).config.attention_spec["options"]["n_ctx"] == TOKENS


def test_gradients_reach_every_parameter() -> None:
    model = untrained_vit(SPECS["selective"], layers=LAYERS).train()
    model(pixel_values=IMAGES, labels=torch.tensor([1, 2, 3])).loss.backward()
    assert [name for name, one in model.named_parameters() if one.grad is None] == []


def test_equal_seeds_give_equal_weights_for_every_variant() -> None:
    one, other = (untrained_vit(AttentionSpec(name)).state_dict() for name in ("softmax", "cog"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_patch_that_does_not_divide_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="'patch_size' 3; images of 8 pixels take 1, 2, 4, 8"):
        untrained_vit(AttentionSpec("cog"), patch=3)


# Hooked


@every_spec
def test_hooked_logits_are_the_plain_ones(name: str) -> None:
    close(case(name).logits, case(name).plain_logits)


@every_spec
def test_the_hooked_pattern_is_the_whole_plain_one(name: str) -> None:
    close(case(name).value("hook_pattern"), case(name).plain_patterns[1])
    assert bool((case(name).value("hook_pattern").triu(1) != 0).any())


@every_spec
def test_pattern_times_values_is_z(name: str) -> None:
    told = case(name)
    mixed = torch.einsum("bhqk,bkhd->bqhd", told.value("hook_pattern"), told.value("hook_v"))
    close(told.value("hook_z"), mixed * told.cache.cache_dict.get(f"{LAYER}.hook_gate", torch.ones(())))


@every_spec
@pytest.mark.parametrize("hook", ["hook_pattern", "hook_attn_scores", "hook_v", "hook_z"])
def test_edits_change_the_logits(name: str, hook: str) -> None:
    assert float((case(name).edited(hook, lambda x: x * 2 + 0.1) - case(name).logits).abs().max()) > 1e-3


@every_spec
def test_without_a_pattern_the_logits_are_the_same(name: str) -> None:
    with patternless(), torch.no_grad():
        close(case(name).bridge.run_with_hooks(IMAGES), case(name).logits)


def test_a_hooked_model_knows_its_sizes() -> None:
    cfg = case("cog").bridge.cfg
    assert (cfg.n_ctx, cfg.d_vocab, cfg.n_layers, cfg.n_heads) == (TOKENS, CLASSES, LAYERS, HEADS)


STRANGE = [torch.zeros(1, 3, 8, 8), torch.zeros(1, 8), torch.zeros(1, 1, 9, 8), torch.ones(1, 1, 8, 8).long()]


@pytest.mark.parametrize("images", STRANGE)
def test_what_is_no_image_of_the_model_is_refused(images: Any) -> None:
    with pytest.raises(ValueError, match=r"this model reads images, .* of 1 × 8 × 8; got"):
        case("cog").bridge(images)


def test_a_model_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="hooked takes an image classifier, which a ViTModel"):
        hooked(ViTModel(untrained_vit(AttentionSpec("softmax")).config))


@torch.no_grad()
@every_spec
def test_a_half_precision_model_says_what_the_plain_one_says(name: str) -> None:
    exact, half, images = tiny_vit(name), tiny_vit(name).bfloat16(), random_images(64)  # many: roundings are compared
    plain = half(images.bfloat16()).logits
    logits, stored = hooked(half).run_with_cache(images.bfloat16())
    assert stored[f"{LAYER}.hook_attn_scores"].dtype == torch.float32
    assert distance_of_roundings(logits, plain, exact(images).logits) <= 2**0.5


# Saved


@every_spec
def test_what_is_saved_opens_bit_for_bit(name: str, tmp_path: Path) -> None:
    model = tiny_vit(name)
    opened = open_folder(save(model, tmp_path / "model"))
    before, after = model.state_dict(), opened.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(model(IMAGES).logits, opened.model(IMAGES).logits)
    assert opened.tokenizer is None


def test_a_hooked_model_saves_the_folder_that_it_was_loaded_from(tmp_path: Path) -> None:
    first = save(tiny_vit("selective"), tmp_path / "first")
    second = save(load(first), tmp_path / "second")
    assert {file.name: file.read_bytes() for file in first.iterdir()} == {
        file.name: file.read_bytes() for file in second.iterdir()
    }


def test_the_classes_keep_their_names(tmp_path: Path) -> None:
    model = tiny_vit()
    names = {number: f"digit {number}" for number in range(CLASSES)}
    model.config.id2label = names
    assert open_folder(save(model, tmp_path / "model")).model.config.id2label == names


def test_folders_of_plain_transformers_are_softmax_and_back(tmp_path: Path) -> None:
    model = detach(tiny_vit("softmax"))
    model.save_pretrained(tmp_path / "theirs")
    opened = open_folder(tmp_path / "theirs")
    close(opened.model(IMAGES).logits, model(IMAGES).logits)
    ours = save(opened.model, tmp_path / "ours")
    close(ViTForImageClassification.from_pretrained(ours)(IMAGES).logits, model(IMAGES).logits)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id2label": {"0": "a", "2": "b"}}, "id2label names the classes 0 to n − 1"),
        ({"id2label": None, "num_labels": 10**9}, "1 to 100000 classes are opened"),
        ({"id2label": None, "num_labels": "ten"}, "num_labels is 'ten'"),
        ({"image_size": 16}, "config.json makes it"),
        ({"patch_size": 0}, "config.json makes no model"),
        ({"num_hidden_layers": 2}, "it describes 2 layers, the weights hold 3"),
    ],
)
def test_a_config_of_another_model_is_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    folder = save(tiny_vit(), tmp_path / "model")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**fields, **changes}))
    with pytest.raises(CheckpointError, match=words):
        open_folder(folder)


def test_a_variant_of_layers_that_are_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 9 asked for"):
        attach(tiny_vit(), AttentionSpec("cog", layers=[9]))

"""A vision folder's own preprocessor_config.json: what it says of sizes and colours is what the model reads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_decoders import stir
from torch.testing import assert_close
from transformers import AutoImageProcessor, ViTConfig, ViTForImageClassification

from headscope import load, save
from headscope.app.drawings.drawn_head import picture_of
from headscope.interp.reading.model_facts import model_facts
from headscope.interp.reading.pictures import digit_prompt, picture_prompt
from headscope.models.checkpoints import CheckpointError

OWN = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SETTINGS: dict[str, dict[str, Any]] = {
    "mean and std": {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}, **OWN},
    "old names": {"feature_extractor_type": "ViTFeatureExtractor", "size": 8, "resample": 3, **OWN},
    "fast": {"image_processor_type": "ViTImageProcessorFast", "size": {"height": 8, "width": 8}, "resample": 0},
    "no rescale": {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}, "do_rescale": False},
    "crop": {
        "image_processor_type": "BitImageProcessor",
        "size": {"shortest_edge": 10},
        "crop_size": {"height": 8, "width": 8},
        **OWN,
    },
}


def vit_folder(folder: Path, settings: dict[str, Any] | None, channels: int = 3) -> Path:
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=8,
        patch_size=4,
        num_channels=channels,
        num_labels=10,
    )
    model = ViTForImageClassification(config).eval()
    stir(model, 0.2)
    model.save_pretrained(folder)
    if settings is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    noise = torch.randint(256, (14, 20, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(noise.numpy()).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def expected(folder: Path, photo: Path) -> torch.Tensor:
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    return processor(Image.open(photo), return_tensors="pt")["pixel_values"][0].float()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_picture_is_read_as_transformers_reads_it_with_the_folder(name: str, tmp_path: Path, photo: Path) -> None:
    folder = vit_folder(tmp_path / "vit", SETTINGS[name])
    model: Any = load(folder)
    prompt = picture_prompt(photo, model)
    assert_close(prompt.pixels, expected(folder, photo))
    with torch.no_grad():
        plain = ViTForImageClassification.from_pretrained(folder)(expected(folder, photo)[None]).logits
        assert_close(model(prompt.pixels[None]), plain, atol=1e-5, rtol=1e-5)


def test_save_keeps_the_processor(tmp_path: Path, photo: Path) -> None:
    folder = vit_folder(tmp_path / "vit", SETTINGS["crop"])
    again = save(load(folder), tmp_path / "again")
    assert_close(expected(again, photo), expected(folder, photo))
    assert_close(picture_prompt(photo, load(again)).pixels, expected(folder, photo))


def test_a_digit_and_an_inverted_picture_are_normalised_too(tmp_path: Path, photo: Path) -> None:
    plain, own = (
        load(vit_folder(tmp_path / name, settings))
        for name, settings in (("plain", None), ("own", SETTINGS["mean and std"]))
    )
    mean, std = (torch.tensor(OWN[part])[:, None, None] for part in ("image_mean", "image_std"))
    for of_plain, of_own in (
        (digit_prompt(3, plain), digit_prompt(3, own)),
        (picture_prompt(photo, plain, inverted=True), picture_prompt(photo, own, inverted=True)),
    ):
        assert_close(of_own.pixels, ((of_plain.pixels + 1) / 2 - mean) / std, atol=0.02, rtol=0)
        assert abs(picture_of(of_own.shown_pixels).astype(int) - picture_of(of_plain.shown_pixels)).max() <= 1


def test_what_the_folder_says_is_said(tmp_path: Path) -> None:
    words = model_facts(load(vit_folder(tmp_path / "vit", SETTINGS["crop"]))).pictures
    assert words.startswith(
        "Pictures are read as the model's folder says: resized to shortest_edge 10, cropped to 8 × 8"
    )
    assert "less 0.485, 0.456, 0.406 and divided by 0.229, 0.224, 0.225" in words


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"size": {"height": 16, "width": 16}}, "makes pictures of 3 × 16 × 16 .*config.json says .* 3 × 8 × 8"),
        ({"size": {"height": 10**6, "width": 8}}, "a side of 1000000 pixels; at most"),
        ({"auto_map": {"AutoImageProcessor": "code.Own"}}, "'auto_map' asks for the folder's own code"),
        ({"image_processor_type": "NoSuchProcessor"}, "transformers refuses it"),
        ({"image_mean": "grey"}, "transformers refuses it"),
    ],
)
def test_a_processor_that_does_not_fit_is_refused(settings: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    folder = vit_folder(tmp_path / "vit", {**SETTINGS["mean and std"], **settings})
    with pytest.raises(CheckpointError, match=rf"cannot open .*preprocessor_config.json: .*{complaint}"):
        load(folder)


def test_a_grey_model_reads_grey_pictures(tmp_path: Path, photo: Path) -> None:
    settings = {**SETTINGS["mean and std"], "image_mean": [0.5], "image_std": [0.25]}
    model: Any = load(vit_folder(tmp_path / "vit", settings, channels=1))
    grey = torch.from_numpy(np.array(Image.open(photo).convert("L").resize((8, 8), 2))).float() / 255
    assert_close(picture_prompt(photo, model).pixels[0], (grey - 0.5) / 0.25)

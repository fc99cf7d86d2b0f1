"""Digits to train on: fewer of them, larger, and measured on a part of those held out; nothing said changes nothing."""

from typing import Any

import pytest
import torch
from tiny_vits import vit_fields

from headscope import hooked
from headscope.interp.reading.pictures import digit_prompt
from headscope.models.data.images.classifying import HELD_OUT, DigitImages, digit_split
from headscope.models.data.images.digits import digits
from headscope.models.data.images.picture import resized_images
from headscope.models.data.table import fields_of
from headscope.models.training.beginning import untrained_beginning
from headscope.models.training.recipe import Recipe


def recipe(**data: Any) -> Recipe:
    return Recipe(model=vit_fields(16, 1, 2, patch=2), data={"source": "digits", **data}, steps=1, batch=4)


def test_where_nothing_is_said_the_images_are_those_of_the_split() -> None:
    split, whole = digit_split(DigitImages()), digits()
    for part, same in ((split.training, whole.training), (split.validation, whole.validation)):
        assert torch.equal(part.images, same.images) and torch.equal(part.numbers, same.numbers)
    assert untrained_beginning(recipe()).model().config.image_size == 8


def test_fewer_images_are_the_first_and_those_held_out_stay() -> None:
    split, whole = digit_split(DigitImages(images=20)), digits()
    assert torch.equal(split.training.numbers, whole.training.numbers[:20])
    assert torch.equal(split.validation.numbers, whole.validation.numbers)
    shown = untrained_beginning(recipe(images=1)).material.objective.batch(0)["images"]
    assert torch.equal(shown, whole.training.images[:1].expand(4, -1, -1, -1))


def test_both_halves_of_those_held_out_are_all_of_them_and_share_none() -> None:
    first, second = (digit_split(DigitImages(held_out=f"{name} half")).validation for name in ("first", "second"))
    assert len(first) == len(second) == 180
    assert torch.equal(torch.cat([first.numbers, second.numbers]), digits().validation.numbers)


@pytest.mark.parametrize("side", [8, 14, 32])
def test_a_resized_digit_keeps_label_mean_and_range_and_is_shown_by_the_app_as_it_was_trained_on(side: int) -> None:
    split, whole = digit_split(DigitImages(side=side)).validation, digits().validation
    assert split.images.shape == (360, 1, side, side) and torch.equal(split.labels, whole.labels)
    assert split.images.min() >= whole.images.min() and split.images.max() <= whole.images.max()
    torch.testing.assert_close(split.images.mean(), whole.images.mean(), atol=0.02, rtol=0)
    model = hooked(untrained_beginning(recipe(side=side)).model())
    assert torch.equal(digit_prompt(int(whole.numbers[0]), model).pixels, split.images[0])


def test_a_plane_is_resized_to_the_same_plane_but_for_its_border() -> None:
    column = torch.linspace(-1, 1, 8).expand(1, 1, 8, 8)
    resized = resized_images(column, (4 * 8, 4 * 8))[0, 0]
    torch.testing.assert_close(resized, resized[:1].expand(32, 32))
    steps = resized[0, 2:-2].diff()
    torch.testing.assert_close(steps, torch.full_like(steps, 2 / 7 / 4))


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({"held_out": "third half"}, "unknown recipe held_out 'third half'; known: "),
        ({"side": 65}, "'data.side' is 65; it must be at most 64"),
        ({"side": 0}, "'data.side' is 0; it must be at least 1"),
        ({"images": 1438}, "'data.images' is 1438; it must be at most 1437"),
        ({"image": 3}, "unknown recipe field 'data.image'; known: side, images, held_out"),
    ],
)
def test_what_cannot_be_is_refused_by_name(data: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        fields_of({"source": "digits", **data})


def test_the_parts_of_those_held_out_are_listed_in_the_error() -> None:
    with pytest.raises(ValueError, match=", ".join(HELD_OUT)):
        DigitImages(held_out="none")

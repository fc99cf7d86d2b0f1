"""Luminance: colours are as light as is asked, keep their hue, and turn about on a dark page."""

import pytest
from colour_contrast import contrast

from headscope.interp.figures.drawing.dark import PAGE, turned_all
from headscope.interp.figures.palette.colours import DEPTHS, RED
from headscope.interp.figures.palette.luminance import light, with_lightness


def test_a_colour_keeps_its_hue_and_turns_its_lightness() -> None:
    assert contrast(turned_all(RED), PAGE) > 4.5
    red, green, blue = light(turned_all(RED)).linear
    assert red > 1.5 * max(green, blue)
    assert turned_all(["#000000", 3, "rgba(0, 0, 0, 0)"]) == ["rgb(232, 232, 232)", 3, "rgba(232, 232, 232, 0)"]


def test_what_is_darker_on_white_is_lighter_in_the_dark() -> None:
    seen = [contrast(turned_all(colour), PAGE) for colour in DEPTHS]
    assert seen == sorted(seen) and seen[0] > 3


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#767676", "rgb(255,255,255)", 4.54), (PAGE, PAGE, 1)]
)
def test_contrast_is_that_of_the_guidelines(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("colour", ["#b2182b", "#053061", "rgb(12, 200, 7)", "#ffffff", "#000000"])
@pytest.mark.parametrize("lightness", [5.0, 40.0, 92.0])
def test_a_colour_gets_the_lightness_that_is_asked_for(colour: str, lightness: float) -> None:
    assert with_lightness(light(colour), lightness).lightness == pytest.approx(lightness, abs=1e-6)
    assert light(str(light(colour))).lightness == pytest.approx(light(colour).lightness)


def test_a_colour_that_is_no_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'firebrick'"):
        light("firebrick")

"""Sizes of E5: the digits, the model, its training, and the rates to choose from."""

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True)
class VisionSize:
    """Steps, shape of the model, the side of a patch in pixels, the images of a step and those to train on.

    sides: of the images, in pixels. cubes_alone: sides at which no other power is tried. rates: those to choose from,
    by as many other seeds as rate_seeds.
    """

    steps: int
    measure_every: int
    d_model: int
    layers: int
    heads: int
    patch: int
    batch: int
    images: int
    sides: tuple[int, ...]
    cubes_alone: tuple[int, ...]
    rates: tuple[float, ...]
    rate_seeds: int

    def tokens(self, side: int) -> int:
        """N: the patches of an image and the class token."""
        return (side // self.patch) ** 2 + 1

    def side(self, tokens: int) -> int:
        """The side of the images that have so many tokens."""
        return isqrt(tokens - 1) * self.patch


SIZES = {
    "smoke": VisionSize(
        steps=4,
        measure_every=2,
        d_model=16,
        layers=2,
        heads=2,
        patch=4,
        batch=8,
        images=20,
        sides=(8, 12),
        cubes_alone=(8, 12),
        rates=(0.001, 0.01),
        rate_seeds=1,
    ),
    "default": VisionSize(
        steps=320,
        measure_every=80,
        d_model=32,
        layers=2,
        heads=2,
        patch=1,
        batch=4,
        images=200,
        sides=(8, 14, 32),
        cubes_alone=(32,),
        rates=(0.0003, 0.001, 0.003, 0.01, 0.03),
        rate_seeds=2,
    ),
    "full": VisionSize(
        steps=5000,
        measure_every=500,
        d_model=192,
        layers=9,
        heads=6,
        patch=1,
        batch=32,
        images=200,
        sides=(8, 14, 32),
        cubes_alone=(),
        rates=(0.0001, 0.0003, 0.001, 0.003, 0.01),
        rate_seeds=3,
    ),
}

"""Luminance: how light a colour is, and the same hue with another lightness."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WEIGHTS = np.array([0.2126, 0.7152, 0.0722])  # of linear red, green and blue
CUBE_OF_24_116THS, SLOPE = 216 / 24389, 24389 / 27  # of CIE lightness near black
HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
NUMBERS = re.compile(r"rgba?\(([\d.]+),([\d.]+),([\d.]+)(?:,([\d.]+))?\)")


@dataclass(frozen=True)
class Light:
    """A colour as linear red, green and blue in [0, 1], and its opacity."""

    linear: Float[np.ndarray, "3"]
    opacity: float = 1.0

    @property
    def luminance(self) -> float:
        """From 0 for black to 1 for white."""
        return float(WEIGHTS @ self.linear)

    @property
    def lightness(self) -> float:
        """CIE L*, from 0 to 100, even steps to the eye."""
        Y = self.luminance
        return SLOPE * Y if Y <= CUBE_OF_24_116THS else 116 * Y ** (1 / 3) - 16

    def __str__(self) -> str:
        encoded = np.where(self.linear <= 0.0031308, 12.92 * self.linear, 1.055 * self.linear ** (1 / 2.4) - 0.055)
        red, green, blue = (255 * encoded).round().astype(int)
        return f"rgba({red}, {green}, {blue}, {self.opacity:g})" if self.opacity < 1 else f"rgb({red}, {green}, {blue})"


def light(colour: str) -> Light:
    """The light of #rrggbb, rgb(…) or rgba(…). Raises ValueError for a colour that is written otherwise."""
    if match := HEX.fullmatch(colour):
        parts = [int(group, 16) for group in match.groups()]
        opacity = None
    elif match := NUMBERS.fullmatch(colour.replace(" ", "")):
        *parts, opacity = match.groups()
    else:
        raise ValueError(f"a colour is #rrggbb, rgb(red, green, blue) or rgba(…, opacity); got {colour!r}")
    encoded = np.array(parts, dtype=float) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return Light(linear, 1.0 if opacity is None else float(opacity))


def with_lightness(item: Light, lightness: float) -> Light:
    """The same hue, so light: first as bright as the hue can be, then mixed with white."""
    Y = lightness / SLOPE if lightness <= 8 else ((lightness + 16) / 116) ** 3
    if not item.linear.any():
        return Light(np.full(3, Y), item.opacity)
    bright = Light(item.linear * min(Y / item.luminance, 1 / item.linear.max()))
    white = max(0.0, Y - bright.luminance) / max(1 - bright.luminance, 1e-9)
    return Light(bright.linear + white * (1 - bright.linear), item.opacity)

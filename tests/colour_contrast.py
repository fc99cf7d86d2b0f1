"""Contrast of two colours, as the guidelines for readable pages measure it."""

from headscope.interp.figures.palette.luminance import light


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart, from 1 to 21 (WCAG 2.2)."""
    dark, bright = sorted(light(colour).luminance for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)

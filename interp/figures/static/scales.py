"""Scales: where a value of a plotly axis stands, and how the axis is labelled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from headscope.interp.figures.palette.properties import Properties
from headscope.interp.figures.static.paint import INK, PIXEL, RULE, paint
from headscope.interp.figures.static.words import shown_words

LETTER = 6.2  # pixels of a label's letter
STEPS = (1, 2, 5, 10)  # of ticks, times powers of ten
SHORT = 3  # powers of ten that a logarithmic axis has such ticks between
ROOM, LEAST = 68, 45  # pixels between two ticks of an axis that runs across, and of one that runs up
TICK_SIZE = 12


@dataclass(frozen=True)
class Scale:
    """One axis of a plot: plotly's settings, its kind (linear, log or category), and its categories in order."""

    settings: Properties
    kind: str
    categories: tuple[str, ...] = ()

    def at(self, values: Iterable[object]) -> np.ndarray:
        """Where values stand: the number of their category, or they themselves."""
        if self.kind == "category":
            places = {name: at for at, name in enumerate(self.categories)}
            return np.array([places.get(str(value), value) for value in values], dtype=float)
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    def title(self) -> str:
        title = self.settings.get("title", "")
        return shown_words(title.get("text", "") if isinstance(title, Mapping) else title)


def scale_of(settings: Properties, values: Sequence[object]) -> Scale:
    """The scale over all values of an axis."""
    kind = settings.get("type") or ("category" if any(isinstance(value, str) for value in values) else "linear")
    if kind not in ("linear", "log", "category"):
        raise ValueError(f"an axis of type {kind!r} cannot be drawn; known: linear, log, category")
    return Scale(settings, kind, tuple(dict.fromkeys(map(str, values))) if kind == "category" else ())


def label(axis: Axis, scale: Scale, pixels: float) -> None:
    """Ticks with their words, as many as the pixels of the axis have room for, and the title."""
    settings, is_x = scale.settings, isinstance(axis, XAxis)
    size = PIXEL * settings.get("tickfont", {}).get("size", TICK_SIZE)
    axis.set_tick_params(length=0, labelsize=size, labelcolor=INK, pad=4)
    axis.set_minor_locator(NullLocator())
    axis.set_label_text(scale.title(), fontsize=14 * PIXEL, color=INK)
    places, words = ticks(scale, pixels, is_x)
    if settings.get("showticklabels") is False:
        axis.set_major_locator(NullLocator())
    elif places is not None:
        axis.set_major_locator(FixedLocator(places.tolist()))
        axis.set_ticklabels(words)
        if is_x:
            turn(axis, words, pixels, settings.get("tickangle"))
    else:
        most = max(2, int(pixels / (ROOM if is_x else LEAST)))
        if scale.kind == "linear":
            axis.set_major_locator(MaxNLocator(most, steps=STEPS))
        else:
            low, high = np.log10(axis.get_view_interval())
            axis.set_major_locator(LogLocator(subs=STEPS[:-1] if high - low < SHORT else (1,), numticks=most))
        prefix = shown_words(settings.get("tickprefix", ""))
        axis.set_major_formatter(FuncFormatter(lambda value, _: prefix + number_in_short(value)))
    if settings.get("showgrid") is not False:
        axis.grid(True, color=paint(RULE), linewidth=PIXEL)


def ticks(scale: Scale, pixels: float, is_x: bool) -> tuple[np.ndarray | None, list[str]]:
    """The places and words of ticks that are given or are categories; None where they are to be found."""
    settings = scale.settings
    if settings.get("tickvals") is not None:
        values = settings["tickvals"]
        return scale.at(values), [shown_words(item) for item in settings.get("ticktext", values)]
    if scale.kind != "category":
        return None, []
    prefix = shown_words(settings.get("tickprefix", ""))
    names = [prefix + shown_words(category) for category in scale.categories]
    wide = 16 if not is_x else 8 + LETTER * min(max(map(len, names), default=1), 4)
    every = max(1, int(np.ceil(len(names) * wide / pixels)))
    return np.arange(len(names))[::every], names[::every]


def turn(axis: Axis, words: Sequence[str], pixels: float, angle: float | int | None) -> None:
    """Labels that would touch are set at an angle, as are those that plotly sets so."""
    longest = max((len(line) for word in words for line in word.split("\n")), default=0)
    is_tight = len(words) * (LETTER * longest + 6) > pixels
    degrees = (-angle if angle else 30.0) if is_tight and longest > 2 else 0.0
    if degrees:
        for get_ticklabel in axis.get_ticklabels():
            get_ticklabel.set(
                rotation=degrees, rotation_mode="anchor", ha="right", va="center" if degrees > 60 else "top"
            )


def number_in_short(value: float) -> str:
    """A number as short as it can be said."""
    return f"{value:.6g}".replace("-", "\u2212") if value else "0"
